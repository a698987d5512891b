import koffi from 'koffi';
import { UnsupportedError } from '../errors.ts';
import { errnoNameOf } from '../util/errno.ts';

export type NativeLibrary = ReturnType<typeof koffi.load>;

/**
 * Opens the first of `names` that the dynamic linker finds.
 *
 * @param purpose what the library is for, as in "compiling the filter"
 * @param remedy how to install it
 * @throws UnsupportedError (status 4) when none can be opened
 */
export function loadLibrary(
  names: readonly string[],
  purpose: string,
  remedy: string,
): NativeLibrary {
  let cause: unknown;
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch (error) {
      cause = error;
    }
  }
  const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
  throw new UnsupportedError(`${purpose}: loading ${names[0] ?? 'library'}: ${why}`, {
    hint: remedy,
    cause,
  });
}

/** errno of the last foreign call; read it before any other call into koffi. */
export function lastErrno(): number {
  return koffi.errno();
}

/** `EPERM` for 1; `errno 999` for a number without a name. */
export function errnoName(errno: number): string {
  return errnoNameOf(errno) ?? `errno ${errno}`;
}

/** Address of a buffer's first byte; the caller must keep the buffer referenced while C uses it. */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}

/** Memory at `address` as an ArrayBuffer that is not copied; it must outlive every use of it. */
export function viewOf(address: bigint, length: number): ArrayBuffer {
  return koffi.view(address, length);
}

/** Calls `callback` when `fd` becomes readable, from Node's event loop; no thread, no timer. */
export function watchReadable(fd: number, callback: () => void): { close(): void } {
  const handle = koffi.node.poll(fd, { readable: true }, () => {
    callback();
  });
  return {
    close(): void {
      handle.close();
    },
  };
}
