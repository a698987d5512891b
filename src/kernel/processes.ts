import { PermissionError } from '../errors.ts';
import type { FileReader } from './reader.ts';

/** Numbers of the processes that there are, the lowest first. */
export function processIds(reader: FileReader): readonly number[] {
  const names = reader.readDir('/proc') ?? [];
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Inode number of the network namespace that a process is in; undefined for another user's process, or none. */
export function netnsOfProcess(reader: FileReader, pid: number): number | undefined {
  try {
    const link = reader.readLink(`/proc/${pid}/ns/net`);
    const inode = /^net:\[(\d+)\]$/.exec(link ?? '')?.[1];
    return inode === undefined ? undefined : Number(inode);
  } catch (error) {
    if (error instanceof PermissionError) return undefined;
    throw error;
  }
}
