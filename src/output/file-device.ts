import { close, fstatSync, ftruncateSync, readFileSync, write } from 'node:fs';
import type { Device } from './byte-queue.ts';

/** A terminal says nothing when it can take more (no watcher here): look again after this long. */
const RETRY_MS = 10;

/**
 * A regular file, a device, or a terminal with O_NONBLOCK: written by the thread pool, so that a
 * slow disk does not hold up the event loop. Not for what blocks until somebody reads: a thread
 * stuck in write(2) keeps the process from exiting.
 */
export class FileDevice implements Device {
  readonly canStall: boolean;
  readonly #fd: number;
  readonly #owned: boolean;
  #retry: NodeJS.Timeout | undefined;

  /** @param options owned: close() closes the descriptor, else it is left as it was found */
  constructor(fd: number, options: { readonly owned: boolean; readonly canStall: boolean }) {
    this.#fd = fd;
    this.#owned = options.owned;
    this.canStall = options.canStall;
  }

  write(
    bytes: Uint8Array,
    progress: (more: number) => void,
    done: (error: NodeJS.ErrnoException | undefined) => void,
  ): void {
    // No position: at the descriptor's own, as shells expect of `>>` and of `(a; b) > file`.
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === 'EAGAIN') {
        this.#retry = setTimeout(() => {
          this.write(bytes, progress, done);
        }, RETRY_MS);
      } else if (error !== null) {
        done(error);
      } else {
        progress(written);
        if (written === bytes.length) done(undefined);
        else this.write(bytes.subarray(written), progress, done);
      }
    });
  }

  cutBack(bytes: number): void {
    try {
      const stat = fstatSync(this.#fd);
      // Somebody else who writes to the same file may stand behind us by now: leave it alone then.
      if (stat.isFile() && stat.size === this.#position()) {
        ftruncateSync(this.#fd, stat.size - bytes);
      }
    } catch {
      // A torn last block is then in the file, which readers say and survive.
    }
  }

  /** proc(5), /proc/pid/fdinfo. */
  #position(): number | undefined {
    const text = readFileSync(`/proc/self/fdinfo/${this.#fd}`, 'latin1');
    const [, digits] = /^pos:\s*(\d+)/m.exec(text) ?? [];
    return digits === undefined ? undefined : Number(digits);
  }

  close(): Promise<NodeJS.ErrnoException | undefined> {
    clearTimeout(this.#retry);
    if (!this.#owned) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      close(this.#fd, (error) => {
        resolve(error ?? undefined);
      });
    });
  }
}
