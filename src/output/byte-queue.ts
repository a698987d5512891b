import { OutputError } from './output-error.ts';
import type { ByteStream } from './sink.ts';

/** Where bytes go in the end. A device is busy with one write() at a time. */
export interface Device {
  /**
   * Writes all of `bytes`. `progress` is told how many more bytes the system has taken; `done` is
   * called once, and never before write() has returned.
   */
  write(
    bytes: Uint8Array,
    progress: (more: number) => void,
    done: (error: NodeJS.ErrnoException | undefined) => void,
  ): void;
  /** Takes back the last bytes written, where the device is a file. */
  cutBack(bytes: number): void;
  /** Nothing moves for as long as somebody does not read: a pipe, a socket, a terminal. */
  readonly canStall: boolean;
  /** Closes; what is still under way is lost. */
  close(): Promise<NodeJS.ErrnoException | undefined>;
}

export interface ByteQueueOptions {
  /** For messages. */
  readonly name: string;
  /** end() gives up when a reader has taken nothing for this long. */
  readonly stallTimeoutMs: number;
  /** How many of some bytes, which start at a block, are whole blocks. */
  readonly wholeLength?: ((bytes: Uint8Array) => number) | undefined;
}

const SLAB_BYTES = 256 * 1024;
/** A slab that a burst made larger than this is given back afterwards. */
const SLAB_BYTES_KEPT = 4 * 1024 * 1024;

/** Bytes, and where in them each write() ended. */
class Slab {
  bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  length = 0;
  readonly marks: number[] = [];

  append(more: Uint8Array): void {
    const length = this.length + more.length;
    if (length > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(more, this.length);
    this.length = length;
    this.marks.push(length);
  }

  clear(): void {
    this.length = 0;
    this.marks.length = 0;
    if (this.bytes.length > SLAB_BYTES_KEPT) this.bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  }
}

/**
 * A ByteStream over a device: one slab fills while the other is on its way, so that a steady
 * stream allocates nothing and many small writes become few large ones.
 */
export class ByteQueue implements ByteStream {
  readonly name: string;
  readonly #device: Device;
  readonly #options: ByteQueueOptions;
  #filling = new Slab();
  #flying = new Slab();
  #busy = false;
  /** Bytes of the flying slab that the system has taken. */
  #taken = 0;
  #acceptedTotal = 0;
  #takenTotal = 0;
  #waiting: { readonly until: number; readonly promise: Promise<void>; wake: () => void }[] = [];
  #error: OutputError | undefined;
  #ended = false;
  #closed = false;
  #closing: Promise<void> | undefined;
  #undelivered = 0;
  #giveUp: () => void = () => undefined;

  constructor(device: Device, options: ByteQueueOptions) {
    this.name = options.name;
    this.#device = device;
    this.#options = options;
  }

  get pendingBytes(): number {
    return this.#error === undefined ? this.#acceptedTotal - this.#takenTotal : 0;
  }

  /** Bytes that never reached the system: the stream failed, or its reader was stuck at the end. */
  get undeliveredBytes(): number {
    return this.#undelivered;
  }

  get error(): OutputError | undefined {
    return this.#error;
  }

  write(bytes: Uint8Array): void {
    if (this.#ended || this.#error !== undefined) {
      this.#undelivered += bytes.length;
      return;
    }
    if (bytes.length === 0) return;
    this.#filling.append(bytes);
    this.#acceptedTotal += bytes.length;
    if (!this.#busy) this.#start();
  }

  drained(): Promise<void> {
    if (this.pendingBytes === 0) return Promise.resolve();
    const until = this.#acceptedTotal;
    const last = this.#waiting.at(-1);
    if (last?.until === until) return last.promise;
    let wake = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#waiting.push({ until, promise, wake });
    return promise;
  }

  /** Waits for what is pending, as long as the reader takes some of it, and closes. */
  end(): Promise<void> {
    this.#ended = true;
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  /** Ends the waiting of end(), now or later: for a second Ctrl-C. */
  abandon(): void {
    this.#ended = true;
    this.#giveUp();
    this.#giveUp = () => undefined;
    this.#closing ??= this.#close();
  }

  #start(): void {
    [this.#filling, this.#flying] = [this.#flying, this.#filling];
    this.#busy = true;
    this.#taken = 0;
    this.#device.write(
      this.#flying.bytes.subarray(0, this.#flying.length),
      (more) => {
        this.#taken += more;
        this.#takenTotal += more;
        this.#wake();
      },
      (error) => {
        this.#busy = false;
        if (error !== undefined) {
          this.#fail(error);
          return;
        }
        this.#flying.clear();
        if (this.#filling.length > 0) this.#start();
      },
    );
  }

  #wake(): void {
    while (this.#waiting[0] !== undefined && this.#waiting[0].until <= this.#takenTotal) {
      this.#waiting.shift()?.wake();
    }
  }

  #fail(error: NodeJS.ErrnoException): void {
    // What close() cut off is told by undeliveredBytes.
    if (this.#closed || this.#error !== undefined) return;
    const torn = this.#taken - this.#wholeLength();
    if (torn > 0) this.#device.cutBack(torn);
    this.#undelivered = this.#acceptedTotal - this.#takenTotal + torn;
    this.#error = new OutputError(this.name, error);
    this.#filling.clear();
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const { wake } of this.#waiting.splice(0)) wake();
  }

  /** The bytes taken of the flying slab, up to the last whole block. */
  #wholeLength(): number {
    const { bytes, marks } = this.#flying;
    const mark = marks.findLast((end) => end <= this.#taken) ?? 0;
    const rest = bytes.subarray(mark, this.#taken);
    return mark + (this.#options.wholeLength?.(rest) ?? 0);
  }

  async #finish(): Promise<void> {
    if (this.#device.canStall) await this.#drainWhileMoving();
    else await this.drained();
    await this.#close();
  }

  #drainWhileMoving(): Promise<void> {
    return new Promise((resolve) => {
      let before = this.#takenTotal;
      const timer = setInterval(() => {
        if (this.#takenTotal === before) this.#giveUp();
        before = this.#takenTotal;
      }, this.#options.stallTimeoutMs);
      this.#giveUp = () => {
        clearInterval(timer);
        resolve();
      };
      void this.drained().then(this.#giveUp);
    });
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#undelivered += this.pendingBytes;
    this.#wakeAll();
    const error = await this.#device.close();
    // A network file system may report a failed write only here.
    if (error !== undefined) this.#error ??= new OutputError(this.name, error);
  }
}
