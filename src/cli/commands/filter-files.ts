import { setImmediate } from 'node:timers/promises';
import { requirePrivileges } from '../../capture/privileges.ts';
import { EXIT, RuntimeError, type ExitCode, XcapError } from '../../errors.ts';
import { openLibpcap } from '../../ffi/libpcap.ts';
import { openSavefile, type SavedPacket } from '../../ffi/savefile.ts';
import type { RawProgram } from '../../filter/cbpf.ts';
import { decode } from '../../filter/decode.ts';
import { interpret } from '../../filter/interpret.ts';
import { list } from '../../filter/list.ts';
import { compilePredicates, PACKET_MAX, PacketJudge } from '../../judge/packet-judge.ts';
import { varStackRead } from '../../judge/features.ts';
import { linkFilter, type LinkFilter, referenceProgram } from '../file-filters.ts';
import type { CliIo } from '../io.ts';

/** A filter in the kernel, for the packets of one link type. */
interface LoadedFilter extends LinkFilter {
  readonly linkType: number;
  /** What it returns for a packet: 0 for no match. */
  readonly run: (packet: SavedPacket) => number;
}

interface Packet extends SavedPacket {
  readonly file: string;
  /** From 1. */
  readonly number: number;
}

type Visitor = (packet: Packet, filter: LoadedFilter) => void;

/** Packets between two looks at signals. */
const BREATH = 4096;
const PRINT_BYTES = 1 << 16;

/** `xcap filter EXPR --read FILE...`: the numbers of the packets that the loaded program matches. */
export async function readFiles(
  expression: string,
  files: readonly string[],
  io: CliIo,
): Promise<ExitCode> {
  let lines = '';
  const flush = (): void => {
    if (lines !== '') io.stdout.print(lines);
    lines = '';
  };
  const { status } = await visitPackets(expression, files, io, (packet, filter) => {
    if (filter.run(packet) === 0) return;
    lines += files.length > 1 ? `${packet.file}:${packet.number}\n` : `${packet.number}\n`;
    if (lines.length > PRINT_BYTES) flush();
  }).finally(flush);
  return status;
}

/** `xcap filter EXPR --verify FILE...`: the loaded program and libpcap on every packet. */
export async function verifyFiles(
  expression: string,
  files: readonly string[],
  io: CliIo,
): Promise<ExitCode> {
  const pcap = openLibpcap();
  const references = new Map<LoadedFilter, RawProgram>();
  const counts = await visitPackets(expression, files, io, (packet, filter) => {
    const reference = references.get(filter) ?? referenceProgram(expression, filter.linkType, pcap);
    references.set(filter, reference);
    const ours = filter.run(packet);
    const theirs = pcap.evaluate(reference, packet.bytes, packet.wireLength);
    if ((ours === 0) === (theirs === 0)) return;
    io.stdout.print(describePacket(packet, filter));
    throw new RuntimeError(
      `verifying: ${packet.file}: packet ${packet.number}: the loaded program says ${verdict(ours)}, libpcap ${verdict(theirs)}`,
      { hint: explanation(packet, filter, ours) },
    );
  });
  const { status, files: read, packets } = counts;
  io.stdout.print(
    `${plural(read, 'file')}, ${plural(packets, 'packet')}: the loaded program and libpcap agree\n`,
  );
  return status;
}

const verdict = (value: number): string => (value === 0 ? 'no match' : 'match');
const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const HEAD_BYTES = 128;

function describePacket(packet: Packet, { program }: LinkFilter): string {
  const { bytes, wireLength } = packet;
  const hex = Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString('hex');
  const more = bytes.length > HEAD_BYTES ? '...' : '';
  return [
    `${packet.file}: packet ${packet.number}: ${bytes.length} bytes of ${wireLength}: ${hex}${more}`,
    ...list(program, 'd'),
    '',
  ].join('\n');
}

/** Linux and libpcap run a few programs differently: the reference interpreter knows which. */
function explanation(packet: Packet, { program }: LinkFilter, ours: number): string {
  const expected = interpret(decode(program), packet.bytes, packet.wireLength);
  return (expected === 0) === (ours === 0)
    ? "Linux's own cBPF would say the same as the loaded program: it shifts by the count's low 5 bits and lets an index wrap, libpcap does not"
    : 'this is a bug in xcap: report it with the lines above';
}

/**
 * Shows every packet of every file to `visit`. A file that cannot be read, or whose link type is not
 * supported, is said in a line, and the others are still read.
 *
 * @returns how many were read, and the status: the highest of what was said
 * @throws FilterError, PermissionError, and what `visit` throws
 */
async function visitPackets(
  expression: string,
  files: readonly string[],
  io: CliIo,
  visit: Visitor,
): Promise<{ readonly status: ExitCode; readonly files: number; readonly packets: number }> {
  requirePrivileges('running the filter');
  const loaded = new LoadedFilters(expression);
  const counts = { status: EXIT.done as ExitCode, files: 0, packets: 0 };
  try {
    for (const file of files) {
      try {
        for await (const [packet, filter] of packetsOf(file, loaded, io.abort)) {
          visit(packet, filter);
          counts.packets += 1;
        }
        counts.files += 1;
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        io.log.note(error.message);
        if (error.hint !== undefined) io.log.text(`  ${error.hint}`);
        if (error.exitCode > counts.status) counts.status = error.exitCode;
      }
    }
  } finally {
    loaded[Symbol.dispose]();
  }
  return counts;
}

/** What is wrong with one file alone. */
class FileError extends XcapError {}

async function* packetsOf(
  file: string,
  loaded: LoadedFilters,
  abort: AbortSignal,
): AsyncGenerator<readonly [Packet, LoadedFilter]> {
  const attempt = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      const mixed = /different from the (type|snapshot length) of the first/.test(error.message);
      throw new FileError(mixed ? EXIT.unsupported : EXIT.runtime, error.message, {
        hint: mixed ? 'libpcap reads files of one link type and snapshot length only' : error.hint,
      });
    }
  };
  const savefile = attempt(() => openSavefile(file));
  try {
    const filter = await loaded.of(savefile.linkType);
    if ('refusal' in filter) {
      const general = filter.refusal.endsWith('link-layer type filtering not implemented');
      throw new FileError(
        EXIT.unsupported,
        `reading: ${file}: link type ${savefile.linkTypeName} not supported`,
        { hint: general ? undefined : `libpcap: ${filter.refusal}` },
      );
    }
    for (let number = 1; ; number += 1) {
      const packet = attempt(() => savefile.next());
      if (packet === undefined) return;
      if (packet.bytes.length > PACKET_MAX) {
        const why = `packet ${number}: ${packet.bytes.length} bytes, more than ${PACKET_MAX}`;
        throw new FileError(EXIT.unsupported, `reading: ${file}: ${why}`);
      }
      yield [{ ...packet, file, number }, filter];
      if (number % BREATH === 0) {
        await setImmediate();
        if (abort.aborted) return;
      }
    }
  } finally {
    savefile[Symbol.dispose]();
  }
}

/** The filters of the link types that were met, each compiled and loaded once. */
class LoadedFilters implements Disposable {
  readonly #expression: string;
  readonly #pcap = openLibpcap();
  readonly #filters = new Map<number, LoadedFilter | { readonly refusal: string }>();
  readonly #judges: PacketJudge[] = [];

  constructor(expression: string) {
    this.#expression = expression;
  }

  async of(linkType: number): Promise<LoadedFilter | { readonly refusal: string }> {
    const known = this.#filters.get(linkType);
    if (known !== undefined) return known;
    const filter = linkFilter(this.#expression, linkType, this.#pcap);
    const made = 'refusal' in filter ? filter : await this.#load(filter, linkType);
    this.#filters.set(linkType, made);
    return made;
  }

  async #load(link: LinkFilter, linkType: number): Promise<LoadedFilter> {
    const options = { varStackRead: varStackRead() };
    const judge = new PacketJudge(await compilePredicates([link.filter], options));
    this.#judges.push(judge);
    return {
      ...link,
      linkType,
      run: ({ bytes, wireLength }) => {
        judge.show(bytes, wireLength);
        return judge.ask(0);
      },
    };
  }

  [Symbol.dispose](): void {
    for (const judge of this.#judges) judge[Symbol.dispose]();
  }
}
