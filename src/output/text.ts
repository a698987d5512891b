import { SequenceTable } from '../packet/tcp-sequences.ts';
import { summarizePacket } from '../packet/summary.ts';
import { isWithoutPacket } from '../records/record.ts';
import type { PacketRecord } from '../records/record.ts';
import { escapeText } from '../util/escape.ts';
import { hexdump } from './hexdump.ts';
import type { HexMode } from './hexdump.ts';
import type { ByteStream, Sink } from './sink.ts';
import { socketText } from './socket-text.ts';
import { TimestampFormatter } from './timestamp.ts';
import type { TimestampStyle } from './timestamp.ts';

export interface TextOptions {
  readonly time: TimestampStyle;
  readonly utc: boolean;
  /** Print the link-level header (-e). */
  readonly link: boolean;
  /** 0, or the number of -v: header details, and a line of metadata. */
  readonly verbose: number;
  /** Shorter lines (-q): no location, no process, less of the packet. */
  readonly quiet: boolean;
  /** The id of a packet that is followed (--track). */
  readonly ids?: boolean | undefined;
  /** TCP sequence numbers as they are (-S). */
  readonly absoluteSequence: boolean;
  /** Dump of the bytes (-x -xx -X -XX -A -AA). */
  readonly hex: HexMode | undefined;
  /** 'always' or 'never'; the caller has resolved 'auto'. */
  readonly color: 'always' | 'never';
  /** Hand every line to the stream at once (-l, -U). */
  readonly lineBuffered: boolean;
}

/** Handed to the stream in pieces of at least this size. */
const CHUNK_BYTES = 32 * 1024;

/** Select Graphic Rendition (ECMA-48 section 8.3.117); empty where color is off. */
interface Palette {
  readonly time: string;
  readonly hook: string;
  readonly reason: string;
  readonly dim: string;
  readonly end: string;
}
const PLAIN: Palette = { time: '', hook: '', reason: '', dim: '', end: '' };
const COLORS: Palette = {
  time: '\x1b[2m',
  hook: '\x1b[36m',
  reason: '\x1b[1;31m',
  dim: '\x1b[2m',
  end: '\x1b[0m',
};

/**
 * One line per packet:
 *
 *     TIME IFACE@NETNS HOOK [REASON LOCATION] COMM/PID PACKET
 *
 * A line always starts with its time or name, and further lines of the same packet with white
 * space (but for -A, which prints payloads as they are), so that a name cannot fake a record.
 */
export class TextSink implements Sink {
  readonly #stream: ByteStream;
  readonly #options: TextOptions;
  readonly #palette: Palette;
  readonly #time: TimestampFormatter;
  readonly #sequences = new SequenceTable();
  #buffer = Buffer.allocUnsafe(2 * CHUNK_BYTES);
  #used = 0;

  constructor(stream: ByteStream, options: TextOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#palette = options.color === 'always' ? COLORS : PLAIN;
    this.#time = new TimestampFormatter({ style: options.time, utc: options.utc });
  }

  write(record: PacketRecord): void {
    this.#append(this.#format(record));
    if (this.#options.lineBuffered || this.#used >= CHUNK_BYTES) this.#handOver();
  }

  async flush(): Promise<void> {
    this.#handOver();
    await this.#stream.drained();
  }

  async close(): Promise<void> {
    this.#handOver();
    await this.#stream.end();
  }

  #format(record: PacketRecord): string {
    const { verbose, quiet, link, hex, absoluteSequence } = this.#options;
    if (isWithoutPacket(record)) return this.#formatSocket(record);
    const packet = summarizePacket(record.data, {
      linkType: record.linkType,
      wireLength: record.wireLength,
      link,
      verbose,
      quiet,
      absoluteSequence,
      sequences: this.#sequences,
    });
    let text = `${this.#headText(record)}${packet.text}`;
    if (record.synth !== undefined) text += synthText(record);
    if (record.bytes !== undefined) text += ` [${record.bytes}]`;
    if (record.rule !== undefined) text += ` [${escapeText(record.rule)}]`;
    if (record.userText !== undefined) text += ` {${escapeText(record.userText)}}`;
    if (verbose > 0)
      text += `\n    ${this.#palette.dim}${metadataText(record)}${this.#palette.end}`;
    text += this.#stackText(record);
    if (hex !== undefined) text += hexdump(hex, record.data, packet.linkHeaderLength);
    return `${text}\n`;
  }

  #formatSocket(record: PacketRecord): string {
    const { dim, end } = this.#palette;
    let text = `${this.#headText(record)}${socketText(record)}`;
    if (this.#options.verbose > 0) text += `\n    ${dim}${metadataText(record)}${end}`;
    return `${text}${this.#stackText(record)}\n`;
  }

  /** A line for each function. */
  #stackText({ stack }: PacketRecord): string {
    if (stack === undefined) return '';
    const { dim, end } = this.#palette;
    return stack.map((frame) => `\n    ${dim}${escapeText(frame)}${end}`).join('');
  }

  /** Everything before PACKET, its blank included. */
  #headText(record: PacketRecord): string {
    const { time, hook, reason, dim, end } = this.#palette;
    const { quiet } = this.#options;
    const stamp = this.#time.format(record.timeNs);
    let text = stamp === '' ? '' : `${time}${stamp}${end}`;
    text += record.iface === undefined ? '?' : escapeText(record.iface);
    if (record.netnsLabel !== undefined) text += `@${escapeText(record.netnsLabel)}`;
    text += ` ${hook}${escapeText(record.hook)}${end} `;
    if (this.#options.ids === true && record.packetId !== undefined)
      text += `id=${record.packetId} `;
    text += this.#outcomeText(record);
    if (record.reason !== undefined) text += `${reason}${escapeText(record.reason)}${end} `;
    if (quiet) return text;
    if (record.location !== undefined) text += `${dim}${escapeText(record.location)}${end} `;
    return `${text}${taskText(record)}${ownerText(record)}${cgroupText(record)} `;
  }

  #outcomeText({ ret, verdict, redirect }: PacketRecord): string {
    if (ret === undefined && verdict === undefined) return '';
    const { reason, end } = this.#palette;
    const target = redirect === undefined ? '' : ` ${escapeText(redirect)}`;
    return `${reason}${escapeText(verdict ?? `ret=${ret ?? ''}`)}${end}${target} `;
  }

  #append(text: string): void {
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    if (this.#buffer.length - this.#used < text.length * 3) this.#makeRoom(text.length * 3);
    this.#used += this.#buffer.write(text, this.#used, 'utf8');
  }

  #makeRoom(bytes: number): void {
    this.#handOver();
    if (this.#buffer.length < bytes) this.#buffer = Buffer.allocUnsafe(bytes);
  }

  #handOver(): void {
    if (this.#used === 0) return;
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#used = 0;
    this.#stream.write(bytes);
  }
}

/** Whose socket it is, where that was found. */
function ownerText({ ownerPid, ownerComm = '?' }: PacketRecord): string {
  return ownerPid === undefined ? '' : ` for ${escapeText(ownerComm)}/${ownerPid}`;
}

/** What is not the packet's own; and of a socket alone, its state. */
const synthText = ({ synth, state }: PacketRecord): string =>
  ` [synth=${synth ?? ''}${state === undefined ? '' : ` state=${state}`}]`;
/** The container, or the cgroup, of its socket. */
function cgroupText({ whoLabel }: PacketRecord): string {
  return whoLabel === undefined ? '' : ` in ${escapeText(whoLabel)}`;
}

/** Outside process context the task only happened to run: it is named, not blamed. */
function taskText(record: PacketRecord): string {
  const task = `${escapeText(record.comm)}/${record.pid}`;
  if (record.context === 'process') return task;
  return `${record.context ?? '?'}(${task})`;
}

/** What -v adds, in the words of the pcapng comments: numbers to grep for and to compare. */
function metadataText(record: PacketRecord): string {
  const { netns, ifindex, packetType } = record;
  return (
    `tid=${record.tid} uid=${record.uid} cpu=${record.cpu}` +
    (ifindex === undefined ? '' : ` ifindex=${ifindex}`) +
    (netns === undefined ? '' : ` netns=${netns}`) +
    ` mark=0x${record.mark.toString(16)} queue=${record.queue}` +
    ` protocol=0x${record.protocol.toString(16).padStart(4, '0')}` +
    (packetType === undefined ? '' : ` type=${packetType}`) +
    ` len=${record.wireLength} caplen=${record.data.length}` +
    ` skb=0x${record.skb.toString(16)}` +
    (record.packetId === undefined ? '' : ` packet_id=${record.packetId}`)
  );
}
