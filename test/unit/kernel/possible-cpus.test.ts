import { expect, test } from 'vitest';
import { countPossibleCpus, possibleCpuNumbers } from '../../../src/kernel/possible-cpus.ts';
import { liveReader } from '../../../src/kernel/reader.ts';

test.each([
  ['0\n', 1, 1],
  ['0-3\n', 4, 4],
  ['0,2-5\n', 5, 6],
  ['0-1,8-11,31\n', 7, 32],
])('of %j there are %i, numbered below %i', (text, count, numbers) => {
  const reader = { ...liveReader, readFile: () => new TextEncoder().encode(text) };
  expect(countPossibleCpus(reader)).toBe(count);
  expect(possibleCpuNumbers(reader)).toBe(numbers);
});
