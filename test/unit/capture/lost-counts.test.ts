import { expect, test } from 'vitest';
import { LostCounts } from '../../../src/capture/lost-counts.ts';

test('a count is read once between renewals, and again at most every 50 ms', () => {
  let lost = 0;
  let reads = 0;
  let now = 1000;
  const counts = new LostCounts(
    (hook) => {
      reads++;
      return hook === 'drop' ? lost : 0;
    },
    () => now,
  );
  counts.renew();
  expect(counts.of('drop')).toBe(0);
  lost = 7;
  now = 1049;
  counts.renew();
  expect(counts.of('drop')).toBe(0);
  now = 1050;
  counts.renew();
  expect([counts.of('drop'), counts.of('drop'), counts.of('rx')]).toEqual([7, 7, 0]);
  expect(reads).toBe(3);
});
