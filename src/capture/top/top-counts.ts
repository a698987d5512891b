import { topKeyDecoder, type TopKey } from '../../abi/decode-top.ts';
import { otherTopKey, TOP_SUMS_BYTES, type TopDimension } from '../../abi/top.ts';
import { BatchReader } from '../../bpf/batch-reader.ts';
import type { BpfMap } from '../../bpf/map.ts';

/** What the kernel has of a row: the sums since the start. */
export interface TopCount {
  readonly packets: number;
  readonly bytes: number;
}

/** A row as it was read. */
export interface TopReading extends TopCount {
  /** The key's bytes, one for each character. */
  readonly id: string;
  readonly key: TopKey;
}

/** The map that programs count in. */
export class TopCounts {
  readonly #reader: BatchReader;
  readonly #decode: (key: Uint8Array) => TopKey;
  /** A key is read each time, and decoded once. */
  readonly #keys = new Map<string, TopKey>();

  /**
   * Makes the row of what has no room: before anything is attached.
   *
   * @param cpus possible ones, of which each has its own sums
   * @throws SystemError
   */
  constructor(map: BpfMap, by: readonly TopDimension[], cpus: number) {
    this.#decode = topKeyDecoder(by);
    this.#reader = BatchReader.of(map, TOP_SUMS_BYTES * cpus);
    map.update(otherTopKey(by), new Uint8Array(TOP_SUMS_BYTES * cpus));
  }

  /** @throws SystemError */
  read(): readonly TopReading[] {
    const readings: TopReading[] = [];
    this.#reader.forEach((keyBytes, value) => {
      const id = Buffer.from(keyBytes.buffer, keyBytes.byteOffset, keyBytes.length).toString(
        'latin1',
      );
      let key = this.#keys.get(id);
      if (key === undefined) this.#keys.set(id, (key = this.#decode(keyBytes)));
      readings.push({ id, key, ...sumOfCpus(value) });
    });
    return readings;
  }
}

const WORDS = TOP_SUMS_BYTES / 4;
const HIGH = 2 ** 32;

/** struct xcap_top_sums of all CPUs; little-endian, as this machine. */
export function sumOfCpus(value: Uint8Array): TopCount {
  const words = new Uint32Array(value.buffer, value.byteOffset, value.length / 4);
  let packets = 0;
  let bytes = 0;
  for (let i = 0; i < words.length; i += WORDS) {
    packets += (words[i] ?? 0) + HIGH * (words[i + 1] ?? 0);
    bytes += (words[i + 2] ?? 0) + HIGH * (words[i + 3] ?? 0);
  }
  return { packets, bytes };
}
