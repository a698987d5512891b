import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { PermissionError, RuntimeError } from '../errors.ts';
import { errnoName } from '../ffi/library.ts';
import { lockExclusively } from '../ffi/libc.ts';

/**
 * A lock that says that this process lives: the kernel lets go of it when the process ends, however
 * it ends. Its file holds the process's id, for those who find it locked.
 */
export class OwnerLock implements Disposable {
  readonly #fd: number;
  readonly #path: string;

  private constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  /**
   * Takes the lock at once, or tells who has it.
   *
   * @param path of a file that need not be there, nor its folder
   * @throws PermissionError, RuntimeError
   */
  static take(path: string): OwnerLock | { readonly owner: string } {
    for (;;) {
      const fd = openLockFile(path);
      const result = lockExclusively(fd);
      if (result < 0) {
        const code = errnoName(-result);
        const owner = readOwner(fd);
        closeSync(fd);
        if (code === 'EAGAIN') return { owner };
        throw new RuntimeError(`locking ${path}: flock: ${code}`);
      }
      // Its owner removes the file before it lets go: then this is not the one that others see.
      if (fstatSync(fd).ino !== statSync(path, { throwIfNoEntry: false })?.ino) {
        closeSync(fd);
        continue;
      }
      ftruncateSync(fd);
      writeSync(fd, `${process.pid}\n`, 0);
      return new OwnerLock(fd, path);
    }
  }

  [Symbol.dispose](): void {
    unlinkSync(this.#path);
    closeSync(this.#fd);
  }
}

function openLockFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, 'a+', 0o600);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const message = `locking ${path}: ${code}`;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new PermissionError(message, { cause: error, hint: 'run xcap as root' });
    }
    throw new RuntimeError(message, { cause: error });
  }
}

function readOwner(fd: number): string {
  const bytes = new Uint8Array(16);
  const length = readSync(fd, bytes, 0, bytes.length, 0);
  return new TextDecoder().decode(bytes.subarray(0, length)).trim();
}
