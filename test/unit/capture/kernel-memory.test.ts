import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kernelMemory } from '../../../src/capture/kernel-memory.ts';
import { PermissionError } from '../../../src/errors.ts';
import type { KernelMemory } from '../../../src/kernel/memory.ts';
import { PrivateFiles } from '../../../src/util/private-files.ts';
import { MapReader } from '../../support/kernels.ts';

const BOOT = '/proc/sys/kernel/random/boot_id';

let folder = '';
let program = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-memory-'));
  program = join(folder, 'program');
  writeFileSync(program, 'code');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function open(boot = 'one', withoutFeature: readonly string[] = []): KernelMemory {
  const files = PrivateFiles.open(join(folder, 'cache'));
  if (!(files instanceof PrivateFiles)) throw new Error(files.why);
  const reader = new MapReader({ files: { [BOOT]: boot } });
  return kernelMemory(files, reader, withoutFeature, program);
}

describe('kernelMemory()', () => {
  it('gives an answer back for the same question, in another process too', () => {
    open().keep('a question', 'its\nanswer');
    expect(open().recall('a question')).toBe('its\nanswer');
    expect(open().recall('another question')).toBeUndefined();
  });

  it('gives none of another boot, of other features, or of another program', () => {
    open().keep('a question', 'an answer');
    expect(open('two').recall('a question')).toBeUndefined();
    expect(open('one', ['fentry']).recall('a question')).toBeUndefined();
    utimesSync(program, 1000, 1000);
    expect(open().recall('a question')).toBeUndefined();
  });

  it('keeps one answer for each question', () => {
    open().keep('a question', 'an answer');
    open('two').keep('a question', 'another answer');
    expect(open('two').recall('a question')).toBe('another answer');
    expect(readdirSync(join(folder, 'cache'))).toHaveLength(1);
  });

  it('looks at nothing before it is asked', () => {
    const reader = new MapReader({});
    const files = PrivateFiles.open(join(folder, 'cache'));
    if (!(files instanceof PrivateFiles)) throw new Error(files.why);
    kernelMemory(files, reader, [], program);
    expect(reader.reads).toEqual([]);
  });

  it('keeps nothing where it cannot tell whether it would hold', () => {
    rmSync(program);
    open().keep('a question', 'an answer');
    writeFileSync(program, 'code');
    class Refusing extends MapReader {
      override readFile(): never {
        throw new PermissionError('reading: EACCES');
      }
    }
    const files = PrivateFiles.open(join(folder, 'cache'));
    if (!(files instanceof PrivateFiles)) throw new Error(files.why);
    const refused = kernelMemory(files, new Refusing({}), [], program);
    refused.keep('a question', 'an answer');
    expect(refused.recall('a question')).toBeUndefined();
    expect(readdirSync(join(folder, 'cache'))).toEqual([]);
  });
});
