import { type FileReader, readText } from './reader.ts';

/**
 * How many CPUs this machine could have: per-CPU values have one copy for each. Numbers may be left out
 * (`0,2-5` are five), so that it can be less than the highest number and one.
 */
export function countPossibleCpus(reader: FileReader): number {
  const text = readText(reader, '/sys/devices/system/cpu/possible')?.trim() ?? '0';
  return text.split(',').reduce((sum, range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);
}
