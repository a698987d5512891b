import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import { PermissionError, RuntimeError } from '../errors.ts';

/**
 * The files through which a kernel shows itself. Everything in this folder reads through it, so
 * that a recording can stand for a running kernel. Each method gives undefined when there is no
 * such file, and throws PermissionError when it may not be read.
 */
export interface FileReader {
  readFile(path: string): Uint8Array | undefined;
  /** Names of the entries, in no order. */
  readDir(path: string): readonly string[] | undefined;
  /** Those of the entries that are directories themselves, links not followed. */
  readFolders(path: string): readonly string[] | undefined;
  readLink(path: string): string | undefined;
  /** Inode and device numbers of what a path leads to, links followed. */
  stat(path: string): FileIdentity | undefined;
}

export interface FileIdentity {
  readonly inode: number;
  readonly device: number;
}

/** The running kernel. Synchronous: these files are made by the kernel as they are read. */
export const liveReader: FileReader = {
  readFile: (path) => attempt(path, () => readWhole(path)),
  readDir: (path) => attempt(path, () => readdirSync(path)),
  readFolders: (path) =>
    attempt(path, () =>
      readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name),
    ),
  readLink: (path) => attempt(path, () => readlinkSync(path)),
  stat: (path) =>
    attempt(path, () => {
      const { ino, dev } = statSync(path);
      return { inode: ino, device: dev };
    }),
};

/** A reader that keeps what it read of one file, until it is told to let go: from then on it is read each time. */
export class KeepingReader implements FileReader {
  readonly #reader: FileReader;
  readonly #path: string;
  #kept: { readonly bytes: Uint8Array | undefined } | undefined;
  #keeps = true;

  constructor(reader: FileReader, path: string) {
    this.#reader = reader;
    this.#path = path;
  }

  readFile(path: string): Uint8Array | undefined {
    if (path !== this.#path || !this.#keeps) return this.#reader.readFile(path);
    return (this.#kept ??= { bytes: this.#reader.readFile(path) }).bytes;
  }
  readDir(path: string): readonly string[] | undefined {
    return this.#reader.readDir(path);
  }
  readFolders(path: string): readonly string[] | undefined {
    return this.#reader.readFolders(path);
  }
  readLink(path: string): string | undefined {
    return this.#reader.readLink(path);
  }
  stat(path: string): FileIdentity | undefined {
    return this.#reader.stat(path);
  }

  letGo(): void {
    this.#keeps = false;
    this.#kept = undefined;
  }
}

/** Room for a file that does not tell its size; and for a long one, of which what stays empty takes no memory. */
const SOME = 64 << 10;
const MUCH = 16 << 20;

/**
 * Files of /proc do not tell their size and give a page at a time: readFileSync() allocates 64 KiB for each
 * of these, and copies them together.
 */
function readWhole(path: string): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    let bytes = Buffer.allocUnsafeSlow((fstatSync(fd).size || SOME) + 1);
    let length = 0;
    for (;;) {
      const count = readSync(fd, bytes, length, bytes.length - length, null);
      if (count === 0) break;
      length += count;
      if (length < bytes.length) continue;
      const larger = Buffer.allocUnsafeSlow(Math.max(MUCH, 2 * bytes.length));
      larger.set(bytes);
      bytes = larger;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** A file as text without the white space at its end. */
export function readText(reader: FileReader, path: string): string | undefined {
  const bytes = reader.readFile(path);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes).trimEnd();
}

/** ESRCH: the process ended while its /proc entry was open; EINVAL: readlink on what is no link. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ESRCH', 'EINVAL', 'ENODEV', 'ELOOP', 'ENAMETOOLONG']);

function attempt<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (ABSENT.has(code)) return undefined;
    const message = `reading ${path}: ${code === '' ? String(error) : code}`;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new PermissionError(message, {
        hint: 'run as root with all capabilities',
        cause: error,
      });
    }
    throw new RuntimeError(message, { cause: error });
  }
}
