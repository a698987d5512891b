import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { FileIdentity, FileReader } from '../../src/kernel/reader.ts';

const FOLDER = new URL('../fixtures/kernels/', import.meta.url);

/** Names of the recorded kernels: `5.10`, `6.1`, ... See scripts/record-kernel. */
export const RECORDED_KERNELS: readonly string[] = readdirSync(FOLDER).sort((a, b) =>
  a.localeCompare(b, 'en', { numeric: true }),
);

/** What a MapReader shows: files by path, links by path, namespaces and other files by path. */
export interface Files {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly inodes?: Readonly<Record<string, FileIdentity>>;
}

/** A file tree in memory; counts what is read, and may be changed while in use. */
export class MapReader implements FileReader {
  readonly reads: string[] = [];
  files: Map<string, string | Uint8Array>;
  links: Map<string, string>;
  inodes: Map<string, FileIdentity>;

  constructor({ files = {}, links = {}, inodes = {} }: Files) {
    this.files = new Map(Object.entries(files));
    this.links = new Map(Object.entries(links));
    this.inodes = new Map(Object.entries(inodes));
  }

  readFile(path: string): Uint8Array | undefined {
    this.reads.push(path);
    const content = this.files.get(path);
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  }

  readDir(path: string): readonly string[] | undefined {
    this.reads.push(path);
    const names = new Set<string>();
    for (const each of [...this.files.keys(), ...this.links.keys(), ...this.inodes.keys()]) {
      if (each.startsWith(`${path}/`)) names.add(each.slice(path.length + 1).split('/')[0] ?? '');
    }
    return names.size === 0 ? undefined : [...names];
  }

  readFolders(path: string): readonly string[] | undefined {
    return this.readDir(path)?.filter((name) => this.readDir(`${path}/${name}`) !== undefined);
  }

  readLink(path: string): string | undefined {
    return this.links.get(path);
  }

  stat(path: string): FileIdentity | undefined {
    return this.inodes.get(path);
  }
}

/** A recorded kernel, seen as the files that it was recorded from. */
export function recordedKernel(name: string): MapReader {
  const folder = new URL(`${name}/`, FOLDER);
  const unpack = (file: string): Uint8Array => gunzipSync(readFileSync(new URL(file, folder)));
  const files: Record<string, string | Uint8Array> = {
    '/proc/sys/kernel/osrelease': readFileSync(new URL('osrelease', folder), 'utf8'),
    '/proc/kallsyms': unpack('kallsyms.gz'),
  };
  for (const file of readdirSync(folder)) {
    const module = /^(.*)\.btf\.gz$/.exec(file)?.[1];
    if (module !== undefined) files[`/sys/kernel/btf/${module}`] = unpack(file);
  }
  return new MapReader({ files });
}

/** The BTF of the machine that the tests run on, when it has one. */
export function hostBtf(): Uint8Array | undefined {
  const path = '/sys/kernel/btf/vmlinux';
  return existsSync(path) ? readFileSync(path) : undefined;
}
