import { expect, test } from 'vitest';
import { addCounts, formatCounts, noCounts } from '../../support/counts.ts';

test('addCounts() sums each kind and noCounts changes nothing', () => {
  const sum = addCounts(
    { passed: 1, failed: 2, skipped: 3 },
    { passed: 10, failed: 20, skipped: 30 },
  );
  expect(sum).toEqual({ passed: 11, failed: 22, skipped: 33 });
  expect(addCounts(sum, noCounts)).toEqual(sum);
});

test('formatCounts() writes the three numbers that scripts/test reads', () => {
  expect(formatCounts({ passed: 12, failed: 0, skipped: 3 })).toBe('12 0 3\n');
});
