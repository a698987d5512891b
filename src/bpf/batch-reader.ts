import type { BpfMap } from './map.ts';
import { bpfError } from './syscall.ts';

/** Reads up to `room` elements from bucket `from` on, as bpf(2) does. */
export type ReadBatch = (
  from: Uint32Array | undefined,
  next: Uint32Array,
  keys: Uint8Array,
  values: Uint8Array,
  room: number,
) => { readonly result: number; readonly count: number };

const ENOENT = 2;
const ENOSPC = 28;
/** Memory that values are read into at a time, unless one bucket has more. */
const CHUNK_BYTES = 1 << 20;

/**
 * All elements of a hash map while programs add to it: each that was there at the start comes once, for a
 * bucket is read as a whole. A bucket with more elements than there is room for makes the room larger.
 */
export class BatchReader {
  readonly #read: ReadBatch;
  readonly #keyBytes: number;
  readonly #valueBytes: number;
  #room: number;
  #keys: Uint8Array;
  #values: Uint8Array;

  /** @param valueBytes of an element: of a per-CPU map the values of all possible CPUs */
  constructor(read: ReadBatch, keyBytes: number, valueBytes: number, elements: number) {
    this.#read = read;
    this.#keyBytes = keyBytes;
    this.#valueBytes = valueBytes;
    this.#room = Math.max(1, Math.min(elements, Math.floor(CHUNK_BYTES / valueBytes)));
    this.#keys = new Uint8Array(this.#room * keyBytes);
    this.#values = new Uint8Array(this.#room * valueBytes);
  }

  /** Of a map of this process. @throws SystemError while reading */
  static of(map: BpfMap, valueBytes: number): BatchReader {
    const { name, keySize, maxEntries } = map.spec;
    return new BatchReader(
      (from, next, keys, values, room) => {
        const read = map.lookupBatch(from, next, keys, values, room);
        if (read.result < 0 && read.result !== -ENOENT && read.result !== -ENOSPC) {
          throw bpfError(`reading map ${name}`, 'bpf(BPF_MAP_LOOKUP_BATCH)', read.result);
        }
        return read;
      },
      keySize,
      valueBytes,
      maxEntries,
    );
  }

  /** @param onElement is given memory that is valid until it returns */
  forEach(onElement: (key: Uint8Array, value: Uint8Array) => void): void {
    let from: Uint32Array | undefined;
    for (;;) {
      const next = new Uint32Array(1);
      const { result, count } = this.#read(from, next, this.#keys, this.#values, this.#room);
      if (result === -ENOSPC) {
        this.#grow();
        continue;
      }
      for (let i = 0; i < count; i++) {
        onElement(
          this.#keys.subarray(i * this.#keyBytes, (i + 1) * this.#keyBytes),
          this.#values.subarray(i * this.#valueBytes, (i + 1) * this.#valueBytes),
        );
      }
      if (result === -ENOENT) return;
      from = next;
    }
  }

  #grow(): void {
    this.#room *= 2;
    this.#keys = new Uint8Array(this.#room * this.#keyBytes);
    this.#values = new Uint8Array(this.#room * this.#valueBytes);
  }
}
