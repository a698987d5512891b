import { sha256 } from '../util/sha256.ts';
import { readText, type FileReader } from '../kernel/reader.ts';
import type { KernelIdentity } from './built-program.ts';

/** @param arch as Node's process.arch has it */
export function identifyKernel(reader: FileReader, arch: string): KernelIdentity {
  const btf = reader.readFile('/sys/kernel/btf/vmlinux') ?? new Uint8Array();
  const release = readText(reader, '/proc/sys/kernel/osrelease') ?? 'unknown';
  return { release, arch, btf: sha256(btf) };
}
