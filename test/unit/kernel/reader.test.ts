import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RuntimeError } from '../../../src/errors.ts';
import { KeepingReader, liveReader, readText } from '../../../src/kernel/reader.ts';
import { MapReader } from '../../support/kernels.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-reader-'));
  writeFileSync(join(folder, 'file'), 'text\n\n');
  symlinkSync('file', join(folder, 'link'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('liveReader', () => {
  test('reads files, folders and links', () => {
    expect(readText(liveReader, join(folder, 'link'))).toBe('text');
    expect(liveReader.readDir(folder)).toEqual(['file', 'link']);
    expect(liveReader.readLink(join(folder, 'link'))).toBe('file');
  });

  test('stat() follows links', () => {
    const { ino, dev } = statSync(join(folder, 'file'));
    expect(liveReader.stat(join(folder, 'link'))).toEqual({ inode: ino, device: dev });
  });

  test('what is not there is undefined', () => {
    expect(liveReader.readFile(join(folder, 'none'))).toBeUndefined();
    expect(liveReader.readDir(join(folder, 'file'))).toBeUndefined();
    expect(liveReader.readLink(join(folder, 'file'))).toBeUndefined();
    expect(liveReader.stat(join(folder, 'file', 'below'))).toBeUndefined();
  });

  test('another failure is an error', () => {
    expect(() => liveReader.readFile(folder)).toThrow(RuntimeError);
  });
});

describe('KeepingReader', () => {
  test('reads its file once until it lets go, others each time', () => {
    const reader = new MapReader({ files: { '/a': 'one', '/b': 'two' } });
    const keeping = new KeepingReader(reader, '/a');
    for (let i = 0; i < 2; i++) {
      expect(readText(keeping, '/a')).toBe('one');
      expect(readText(keeping, '/b')).toBe('two');
    }
    reader.files.set('/a', 'three');
    expect(readText(keeping, '/a')).toBe('one');
    keeping.letGo();
    expect([readText(keeping, '/a'), readText(keeping, '/a')]).toEqual(['three', 'three']);
    expect(reader.reads).toEqual(['/a', '/b', '/b', '/a', '/a']);
  });
});
