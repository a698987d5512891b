import { type FileReader, readText } from './reader.ts';

/** First and last number of each range that the machine's CPUs could have: `0-3`, `0,2-5`. */
function ranges(reader: FileReader): readonly (readonly [first: number, last: number])[] {
  const text = readText(reader, '/sys/devices/system/cpu/possible')?.trim() ?? '0';
  return text.split(',').map((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return [first, last];
  });
}

/**
 * How many CPUs this machine could have: per-CPU values have one copy for each. Numbers may be left out
 * (`0,2-5` are five), so that it can be less than possibleCpuNumbers().
 */
export function countPossibleCpus(reader: FileReader): number {
  return ranges(reader).reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** One more than the highest number of a CPU: what is indexed by number has so many places. */
export function possibleCpuNumbers(reader: FileReader): number {
  return Math.max(...ranges(reader).map(([, last]) => last)) + 1;
}
