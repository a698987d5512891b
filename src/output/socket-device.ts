import { Socket } from 'node:net';
import type { Device } from './byte-queue.ts';

/** Small enough to see a slow reader move. */
const PIECE_BYTES = 64 * 1024;

/** A pipe or a socket: written without blocking, by the event loop. */
export class SocketDevice implements Device {
  readonly canStall = true;
  readonly #socket: Socket;
  readonly #owned: boolean;

  /**
   * Sets O_NONBLOCK on the open file description.
   * @param options owned: close() closes the descriptor, else it is left open
   */
  constructor(fd: number, options: { readonly owned: boolean }) {
    this.#owned = options.owned;
    this.#socket = new Socket({ fd, readable: false, writable: true });
    // Each write's callback reports its error; without a listener the event would throw.
    this.#socket.on('error', () => undefined);
  }

  write(
    bytes: Uint8Array,
    progress: (more: number) => void,
    done: (error: NodeJS.ErrnoException | undefined) => void,
  ): void {
    const piece = bytes.subarray(0, PIECE_BYTES);
    this.#socket.write(piece, (error) => {
      if (error !== null && error !== undefined) {
        done(error);
        return;
      }
      progress(piece.length);
      if (piece.length === bytes.length) done(undefined);
      else this.write(bytes.subarray(piece.length), progress, done);
    });
  }

  /** What a reader has got cannot be taken back. */
  cutBack(): void {
    // Nothing to do.
  }

  close(): Promise<undefined> {
    if (this.#owned) this.#socket.destroy();
    else this.#socket.unref();
    return Promise.resolve(undefined);
  }
}
