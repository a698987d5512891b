import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageFile, packageVersion } from '../../../src/util/package.ts';

const top = join(import.meta.dirname, '../../..');

describe('the package', () => {
  it('is found from a source, however deep', () => {
    expect(packageFile()).toBe(top);
    expect(existsSync(packageFile('templates', 'hooks.bpf.c'))).toBe(true);
  });

  it('tells its version', () => {
    expect(readFileSync(join(top, 'package.json'), 'utf8')).toContain(
      `"version": "${packageVersion()}"`,
    );
  });
});
