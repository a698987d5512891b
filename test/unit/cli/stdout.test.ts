import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { standardOutput } from '../../../src/cli/stdout.ts';
import { RuntimeError } from '../../../src/errors.ts';

test('print() reports a full disk as an error of the run, not as a bug', () => {
  const fd = openSync('/dev/full', 'w');
  const print = (): void => {
    standardOutput(fd).print('text');
  };
  expect(print).toThrow(RuntimeError);
  expect(print).toThrow(/^writing to standard output: ENOSPC/);
  closeSync(fd);
});
