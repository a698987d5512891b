import { Btf } from '../btf/btf.ts';
import type { FileReader } from './reader.ts';

/** Functions lie so far apart in what stands for kallsyms. */
const SPACING = 16n;
const TEXT = 0xffffffff81000000n;
const DATA = 0xffffffffc0000000n;

/** Variables whose addresses programs are given: see paged-source.ts and redirect-source.ts. */
const VARIABLES = ['page_offset_base', 'vmemmap_base', 'bpf_redirect_info', '__per_cpu_offset'];

/**
 * The files of a kernel of which only release and BTF are known. Its symbols are the functions that BTF has, and the
 * variables that we ask for, at made-up addresses: what is made with them is looked up again where it runs.
 */
export function describedReader(release: string, bytes: Uint8Array): FileReader {
  const files = new Map<string, () => Uint8Array>([
    ['/proc/sys/kernel/osrelease', () => new TextEncoder().encode(release)],
    ['/sys/kernel/btf/vmlinux', () => bytes],
    ['/proc/kallsyms', () => new TextEncoder().encode(symbols(Btf.parse(bytes)))],
  ]);
  return {
    readFile: (path) => files.get(path)?.(),
    readDir: () => undefined,
    readFolders: () => undefined,
    readLink: () => undefined,
    stat: () => undefined,
  };
}

function symbols(btf: Btf): string {
  const lines: string[] = [];
  let address = TEXT;
  for (const id of btf.idsOfKind('func')) {
    lines.push(`${address.toString(16)} T ${btf.name(id)}\n`);
    address += SPACING;
  }
  VARIABLES.forEach((name, i) => {
    lines.push(`${(DATA + SPACING * BigInt(i)).toString(16)} D ${name}\n`);
  });
  return lines.join('');
}
