import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { compilerLibraries, identify, isUnchanged } from '../../../src/compile/identity.ts';
import { openLibbcc } from '../../../src/ffi/libbcc.ts';

it('isUnchanged() sees a file that was changed, replaced, or is gone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'xcap-identity-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'lib');
  writeFileSync(path, 'one');
  const before = identify(path);
  if (before === undefined) throw new Error('no file');
  expect(isUnchanged(before)).toBe(true);

  utimesSync(path, 1000, 1000);
  expect(isUnchanged(before)).toBe(false);

  const again = identify(path);
  if (again === undefined) throw new Error('no file');
  writeFileSync(join(folder, 'new'), 'two');
  utimesSync(join(folder, 'new'), 1000, 1000);
  renameSync(join(folder, 'new'), path);
  expect(isUnchanged(again)).toBe(false);

  rmSync(path);
  expect(identify(path)).toBeUndefined();
  expect(isUnchanged(again)).toBe(false);
});

it('compilerLibraries() names libbcc and LLVM once they are loaded', () => {
  openLibbcc();
  const paths = compilerLibraries().map(({ path }) => path);
  expect(paths.filter((path) => /libbcc\.so/.test(path))).toHaveLength(1);
  expect(new Set(paths).size).toBe(paths.length);
});
