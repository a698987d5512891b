import { expect, test } from 'vitest';
import { helpText } from '../../../src/cli/help.ts';

test.each([
  ['capture', 'help.txt'],
  ['build', 'help-build.txt'],
  ['filter', 'help-filter.txt'],
  ['hooks', 'help-hooks.txt'],
  ['reasons', 'help-reasons.txt'],
  ['top', 'help-top.txt'],
] as const)('the help of %s is as reviewed and fits a terminal', async (command, file) => {
  const text = helpText(command);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  await expect(text).toMatchFileSnapshot(file);
});
