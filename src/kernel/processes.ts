import type { FileReader } from './reader.ts';

/** Numbers of the processes that there are, the lowest first. */
export function processIds(reader: FileReader): readonly number[] {
  const names = reader.readDir('/proc') ?? [];
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
