import { dataLength, isWithoutPacket, timeHigh, timeLow } from '../records/record.ts';
import type { PacketRecord } from '../records/record.ts';
import { Batch } from './batch.ts';
import { LinkAdapter } from './link-adapter.ts';
import { copyPacket, SNAPLEN_MAX } from './packet-copy.ts';
import type { ByteStream, Sink } from './sink.ts';

export interface PcapOptions {
  /** Bytes kept of a packet; 0 means 262144. */
  readonly snaplen: number;
  /** `-U`: hand on each packet as it comes. */
  readonly packetBuffered?: boolean | undefined;
}

/** https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-06.html section 4: nanoseconds. */
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const LINKTYPE_ETHERNET = 1;
const NS_PER_S = 1_000_000_000n;

interface Epoch {
  readonly high: number;
  readonly seconds: number;
  readonly ns: number;
}

/** Writes classic pcap, Ethernet, with nanoseconds: packets only, for tools that read no pcapng. */
export class PcapSink implements Sink {
  readonly #stream: ByteStream;
  readonly #snaplen: number;
  readonly #link = new LinkAdapter('ethernet');
  readonly #batch: Batch;
  #epoch: Epoch = { high: 0, seconds: 0, ns: 0 };
  /** Events of sockets: there is no place for them in such a file. */
  withoutPacket = 0;

  constructor(stream: ByteStream, options: PcapOptions) {
    this.#stream = stream;
    this.#snaplen = options.snaplen === 0 ? SNAPLEN_MAX : Math.min(options.snaplen, SNAPLEN_MAX);
    this.#batch = new Batch(stream, options.packetBuffered === true ? 0 : undefined);
    const header = new Uint8Array(FILE_HEADER_BYTES);
    const view = new DataView(header.buffer);
    view.setUint32(0, MAGIC_NANOSECONDS, true);
    view.setUint16(4, 2, true);
    view.setUint16(6, 4, true);
    view.setUint32(16, this.#snaplen, true);
    view.setUint32(20, LINKTYPE_ETHERNET, true);
    stream.write(header);
  }

  /** Packets without a link header that got a zeroed one. */
  get zeroedLinkHeaders(): number {
    return this.#link.zeroedHeaders;
  }

  write(record: PacketRecord): void {
    if (isWithoutPacket(record)) {
      this.withoutPacket += 1;
      return;
    }
    this.#link.adapt(record);
    const batch = this.#batch;
    batch.reserve(RECORD_HEADER_BYTES + dataLength(record) + this.#link.prepend);
    const start = batch.length;
    const at = start + RECORD_HEADER_BYTES;
    const captured = copyPacket(record, this.#link, this.#snaplen, batch, at);
    const onWire = Math.max(record.wireLength + this.#link.prepend, captured);
    const { view } = batch;
    const epoch = this.#epochOf(timeHigh(record));
    const ns = epoch.ns + timeLow(record);
    view.setUint32(start, epoch.seconds + Math.floor(ns / 1e9), true);
    view.setUint32(start + 4, ns % 1e9, true);
    view.setUint32(start + 8, captured, true);
    view.setUint32(start + 12, onWire, true);
    batch.commit(at + captured);
  }

  /** What the upper half of a time is, which changes every 4.3 s: the rest is a number that needs no bigint. */
  #epochOf(high: number): Epoch {
    if (this.#epoch.high !== high) {
      const ns = BigInt(high) << 32n;
      this.#epoch = { high, seconds: Number(ns / NS_PER_S), ns: Number(ns % NS_PER_S) };
    }
    return this.#epoch;
  }

  flush(): Promise<void> {
    this.#batch.handOver();
    return this.#stream.drained();
  }

  async close(): Promise<void> {
    this.#batch.handOver();
    await this.#stream.end();
  }
}

/** How many of these bytes, the start of a file or of a record, are whole records. */
export function wholeRecordsLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  if (bytes.length >= 4 && view.getUint32(0, true) === MAGIC_NANOSECONDS) {
    if (bytes.length < FILE_HEADER_BYTES) return 0;
    at = FILE_HEADER_BYTES;
  }
  while (at + RECORD_HEADER_BYTES <= bytes.length) {
    const total = RECORD_HEADER_BYTES + view.getUint32(at + 8, true);
    if (at + total > bytes.length) break;
    at += total;
  }
  return at;
}
