import { expect, test } from 'vitest';
import { countPossibleCpus } from '../../../src/kernel/possible-cpus.ts';
import { liveReader } from '../../../src/kernel/reader.ts';

test.each([
  ['0\n', 1],
  ['0-3\n', 4],
  ['0,2-5\n', 5],
  ['0-1,8-11,31\n', 7],
])('countPossibleCpus() of %j is %i', (text, count) => {
  const reader = { ...liveReader, readFile: () => new TextEncoder().encode(text) };
  expect(countPossibleCpus(reader)).toBe(count);
});
