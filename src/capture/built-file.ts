import { sha256 } from '../util/sha256.ts';
import { RuntimeError, UnsupportedError } from '../errors.ts';
import { ShapeError } from '../util/shape.ts';
import type { BuiltProgram } from './built-program.ts';
import { BUILT_PROGRAM } from './built-shape.ts';

/** Goes up when the form of the file changes. */
const FORMAT = 1;
const MAGIC = 'xcap-program';
/** A program may have 1,000,000 instructions, and a file several programs. */
export const FILE_BYTES_MAX = 32 << 20;

/** A line that says what it is, its length and hash; then one JSON document. */
export function encodeBuilt(program: BuiltProgram): string {
  const body = `${JSON.stringify(program)}\n`;
  return `${MAGIC} ${FORMAT} ${Buffer.byteLength(body)} ${sha256(body)}\n${body}`;
}

/**
 * Reads what encodeBuilt() made, and nothing else.
 *
 * @param path for messages
 * @throws RuntimeError for what is no such file or a damaged one, UnsupportedError for another format
 */
export function decodeBuilt(bytes: Uint8Array, path: string): BuiltProgram {
  const damaged = (why: string, cause?: unknown): RuntimeError =>
    new RuntimeError(`reading the built program: ${path}: ${why}`, {
      hint: 'build it again: xcap build ... -o FILE; or copy it again',
      cause,
    });
  const end = bytes.subarray(0, 128).indexOf(0x0a);
  const head = Buffer.from(bytes.subarray(0, Math.max(0, end))).toString('latin1');
  const [, format, rest = ''] = /^xcap-program ([1-9]\d{0,8})(?: (.*))?$/.exec(head) ?? [];
  if (format === undefined) throw damaged('not made by xcap build, or damaged at its beginning');
  if (Number(format) !== FORMAT) {
    throw new UnsupportedError(
      `reading the built program: ${path}: its format is ${format}, this xcap reads ${FORMAT}`,
      { hint: 'build it again with this xcap' },
    );
  }
  const [, length, hash] = /^(\d{1,9}) ([0-9a-f]{64})$/.exec(rest) ?? [];
  if (length === undefined) throw damaged('damaged at its beginning');
  const body = bytes.subarray(end + 1);
  if (body.length !== Number(length)) {
    throw damaged(`damaged: ${body.length} bytes where it should have ${length}`);
  }
  if (sha256(body) !== hash) throw damaged('damaged: its checksum differs');
  try {
    return BUILT_PROGRAM(
      JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)),
      'file',
    );
  } catch (error) {
    if (error instanceof ShapeError) throw damaged(`not sound: ${error.message}`, error);
    if (error instanceof SyntaxError || error instanceof TypeError) {
      throw damaged('not sound: no JSON', error);
    }
    throw error;
  }
}
