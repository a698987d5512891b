import type { ByteStream } from './sink.ts';

/** A batch this long goes to the stream without waiting for flush(). */
export const BATCH_BYTES = 64 * 1024;

/**
 * The preallocated buffer that a binary sink formats into. Only whole blocks are handed to the
 * stream, so that whatever reaches the reader ends on a block boundary.
 */
export class Batch {
  bytes: Buffer;
  view: DataView;
  words: Uint32Array;
  /** End of the last whole block. */
  length = 0;
  readonly #stream: ByteStream;
  readonly #limit: number;

  /** @param limit bytes to collect before they are handed on; 0 hands on each block (`-U`) */
  constructor(stream: ByteStream, limit: number = BATCH_BYTES) {
    this.#stream = stream;
    this.#limit = limit;
    this.bytes = Buffer.allocUnsafeSlow(2 * BATCH_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.words = new Uint32Array(this.bytes.buffer);
  }

  /** Makes room for a block of up to `size` bytes; the caller then writes it at `length`. */
  reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    this.handOver();
    if (size <= this.bytes.length) return;
    this.bytes = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(size)));
    this.view = new DataView(this.bytes.buffer);
    this.words = new Uint32Array(this.bytes.buffer);
  }

  /** The block written at `length` ends at `end`. */
  commit(end: number): void {
    this.length = end;
    if (end >= this.#limit) this.handOver();
  }

  handOver(): void {
    if (this.length === 0) return;
    this.#stream.write(this.bytes.subarray(0, this.length));
    this.length = 0;
  }
}
