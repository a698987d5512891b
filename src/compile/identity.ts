import { readFileSync, statSync } from 'node:fs';
import type { FileIdentity } from './protocol.ts';

/** Names of the shared objects that have a say in what comes out of libbcc. */
const LIBRARY = /\/lib(bcc|clang|LLVM)[^/]*$/;

/** Undefined when there is no such file. */
export function identify(path: string): FileIdentity | undefined {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return {
      path,
      inode: String(ino),
      bytes: String(size),
      mtimeNs: String(mtimeNs),
      ctimeNs: String(ctimeNs),
    };
  } catch {
    return undefined;
  }
}

/** The compiler in this process, once it is loaded: /proc/self/maps has the real paths. */
export function compilerLibraries(): readonly FileIdentity[] {
  const maps = readFileSync('/proc/self/maps', 'utf8');
  const paths = maps
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')))
    .filter((path) => LIBRARY.test(path));
  return [...new Set(paths)].flatMap((path) => identify(path) ?? []);
}

/** The file is there as it was. */
export function isUnchanged(file: FileIdentity): boolean {
  return JSON.stringify(identify(file.path)) === JSON.stringify(file);
}
