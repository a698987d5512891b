import type { UserSource } from './source.ts';
import { userError } from './source.ts';
import { parseFormat, type FieldFormat } from './format.ts';

/** A field of `struct xcap_user_extend`. */
export interface UserField {
  readonly name: string;
  readonly bytes: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  /** Characters of a `char NAME[N]`; undefined for a number. */
  readonly characters: number | undefined;
  readonly offset: number;
  readonly format: FieldFormat;
}

export interface UserLayout {
  readonly fields: readonly UserField[];
  /** sizeof(struct xcap_user_extend), by C's rules of alignment. */
  readonly bytes: number;
}

/** Bytes that the extra fields of an event may take. */
export const USER_BYTES_MAX = 256;

type NumberType = readonly [bytes: 1 | 2 | 4 | 8, signed: boolean];

/** By the names that C, the kernel and netcap's users have for them. */
const TYPES: ReadonlyMap<string, NumberType> = new Map([
  ['char', [1, true]],
  ['uchar', [1, false]],
  ['unsigned char', [1, false]],
  ['int', [4, true]],
  ['unsigned', [4, false]],
  ['unsigned int', [4, false]],
  ...([1, 2, 4, 8] as const).flatMap((bytes): [string, NumberType][] => [
    ...['s', 'int'].map((name): [string, NumberType] => [`${name}${8 * bytes}`, [bytes, true]]),
    ...['u', 'uint'].map((name): [string, NumberType] => [`${name}${8 * bytes}`, [bytes, false]]),
    [`int${8 * bytes}_t`, [bytes, true]],
    [`uint${8 * bytes}_t`, [bytes, false]],
  ]),
]);

const START = /\bstruct\s+xcap_user_extend\s*\{/;
const FIELD =
  /^\s*(unsigned int|unsigned char|\w+)\s+([A-Za-z_]\w*)\s*(?:\[\s*(\d+)\s*\])?\s*;\s*(?:\/\/\s*format:\s*(.*?)\s*|\/\/.*|\/\*.*\*\/\s*)?$/;
const BLANK = /^\s*(\/\/.*|\/\*.*\*\/\s*)?$/;

/**
 * The layout of the struct that the file defines, one field a line.
 *
 * @returns undefined when it defines none
 * @throws FilterError at the line that cannot be one of its fields
 */
export function userLayout(source: UserSource): UserLayout | undefined {
  const lines = source.text.split('\n');
  const start = lines.findIndex((line) => START.test(line));
  if (start < 0) return undefined;
  const hint =
    'one field a line: u32 NAME; or char NAME[16]; with // format: 0x%x behind it if wanted';
  const fields: UserField[] = [];
  let end = 0;
  let align = 1;
  for (let i = start + 1; ; i++) {
    const line = lines[i];
    if (line === undefined) throw userError(source, start + 1, 1, 'the struct does not end', hint);
    if (/^\s*\}/.test(line)) break;
    if (BLANK.test(line)) continue;
    const [, type = '', name = '', count, format] = FIELD.exec(line) ?? [];
    const known = TYPES.get(type);
    const column = line.search(/\S/) + 1;
    if (known === undefined)
      throw userError(source, i + 1, column, 'no field that can be shown', hint);
    const [bytes, signed] = known;
    const isText = bytes === 1 && count !== undefined;
    if (count !== undefined && (!isText || Number(count) === 0)) {
      throw userError(source, i + 1, column, 'only characters make an array', hint);
    }
    const parsed = parseFormat(format ?? (isText ? '%s' : signed ? '%d' : '%u'), isText);
    if (parsed === undefined) {
      const why = `format ${format ?? ''}: not understood`;
      throw userError(source, i + 1, column, why, 'one of %d %u %x %X %o %c, %s for characters');
    }
    const offset = Math.ceil(end / bytes) * bytes;
    const characters = isText ? Number(count) : undefined;
    fields.push({ name, bytes, signed, characters, offset, format: parsed });
    end = offset + bytes * (characters ?? 1);
    align = Math.max(align, bytes);
    if (end > USER_BYTES_MAX) {
      throw userError(source, i + 1, column, `more than ${USER_BYTES_MAX} bytes of fields`, hint);
    }
  }
  return { fields, bytes: Math.ceil(end / align) * align };
}
