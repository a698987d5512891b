import { PROT, mmapShared, munmap, pageSize } from '../ffi/libc.ts';
import { viewOf, watchReadable } from '../ffi/library.ts';
import type { BpfMap } from './map.ts';

/** Record header: include/uapi/linux/bpf.h, BPF_RINGBUF_*. */
const BUSY = 0x8000_0000 | 0;
const DISCARD = 0x4000_0000;
const LENGTH_MASK = 0x3fff_ffff;
const HEADER_BYTES = 8;

/** The three memory areas of a ring; data is mapped twice in a row, so no record ever wraps. */
export interface RingMemory {
  /** Written by the reader: bytes consumed. */
  readonly consumer: BigInt64Array;
  /** Written by the kernel: bytes produced. */
  readonly producer: BigInt64Array;
  readonly data: Uint8Array;
  /** Power of two. */
  readonly size: number;
}

/** How often the consumer position is published while draining. */
const PUBLISH_EVERY = 256;

/** The reader's arithmetic on a ring, memory only. */
export class RingReader {
  readonly #memory: RingMemory;
  readonly #headers: Int32Array;
  #position: number;

  constructor(memory: RingMemory) {
    this.#memory = memory;
    this.#headers = new Int32Array(
      memory.data.buffer,
      memory.data.byteOffset,
      memory.data.byteLength >> 2,
    );
    this.#position = Number(Atomics.load(memory.consumer, 0));
  }

  /**
   * Hands up to `limit` records to `onRecord`, by their place in the ring's memory, where they are
   * until it returns.
   *
   * @returns how many were read; less than `limit` when the ring is empty or its next record is
   *   still being written (the commit wakes the poller: the position was published before the look)
   */
  drain(limit: number, onRecord: (at: number, length: number) => void): number {
    const { consumer, producer, size } = this.#memory;
    let count = 0;
    let position = this.#position;
    let end = Number(Atomics.load(producer, 0));
    try {
      while (count < limit) {
        if (position === end) {
          // Publish, then look again: the kernel wakes a reader only if it sees it caught up.
          Atomics.store(consumer, 0, BigInt(position));
          end = Number(Atomics.load(producer, 0));
          if (position === end) break;
        }
        const at = position & (size - 1);
        let header = Atomics.load(this.#headers, at >> 2);
        if ((header & BUSY) !== 0) {
          Atomics.store(consumer, 0, BigInt(position));
          header = Atomics.load(this.#headers, at >> 2);
          if ((header & BUSY) !== 0) break;
        }
        const length = header & LENGTH_MASK;
        position += (HEADER_BYTES + length + 7) & ~7;
        if ((header & DISCARD) !== 0) continue;
        count++;
        onRecord(at + HEADER_BYTES, length);
        if (count % PUBLISH_EVERY === 0) Atomics.store(consumer, 0, BigInt(position));
      }
    } finally {
      this.#position = position;
      Atomics.store(consumer, 0, BigInt(position));
    }
    return count;
  }
}

/** A BPF_MAP_TYPE_RINGBUF mapped into this process. */
export class Ring implements Disposable {
  readonly reader: RingReader;
  /** What the reader's places are in. */
  readonly data: Uint8Array;
  /** Bytes that it holds. */
  readonly size: number;
  readonly #fd: number;
  readonly #maps: readonly (readonly [address: bigint, length: number])[];
  #watch: { close(): void } | undefined;

  /** @throws SystemError */
  constructor(map: BpfMap) {
    const page = pageSize();
    const size = map.spec.maxEntries;
    this.size = size;
    this.#fd = map.fd;
    const consumerAt = mmapShared(map.fd, page, PROT.read | PROT.write, 0);
    const producerBytes = page + 2 * size;
    const producerAt = mmapShared(map.fd, producerBytes, PROT.read, page);
    this.#maps = [
      [consumerAt, page],
      [producerAt, producerBytes],
    ];
    const produced = viewOf(producerAt, producerBytes);
    this.data = new Uint8Array(produced, page);
    this.reader = new RingReader({
      consumer: new BigInt64Array(viewOf(consumerAt, page), 0, 1),
      producer: new BigInt64Array(produced, 0, 1),
      data: this.data,
      size,
    });
  }

  /** Calls back while the ring holds unread data; from the event loop, no thread or timer. */
  watch(callback: () => void): void {
    this.#watch = watchReadable(this.#fd, callback);
  }

  unwatch(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  /** The reader must not be used afterwards: its memory is gone. */
  [Symbol.dispose](): void {
    this.unwatch();
    for (const [address, length] of this.#maps) munmap(address, length);
  }
}
