import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ObjectCache, type CacheEntry } from '../../../src/compile/object-cache.ts';
import { PrivateFiles } from '../../../src/util/private-files.ts';
import { sha256 } from '../../../src/util/sha256.ts';

const me = process.geteuid?.() ?? 0;
const entry: CacheEntry = {
  key: 'a key',
  insns: ['tw==', 'AAAA'],
  compiler: [{ path: '/lib/libbcc.so.0', inode: '1', bytes: '2', mtimeNs: '3', ctimeNs: '4' }],
};
const slot = sha256('a question');

let folder = '';
let directory = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-cache-'));
  directory = join(folder, 'cache');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function open(owner = me): ObjectCache {
  const files = PrivateFiles.open(directory, owner);
  if (!(files instanceof PrivateFiles)) throw new Error(files.why);
  return new ObjectCache(files);
}

function whyNot(owner = me): string {
  const files = PrivateFiles.open(directory, owner);
  return files instanceof PrivateFiles ? 'open' : files.why;
}

describe('PrivateFiles.open()', () => {
  it('makes a directory that only its owner can look into, whatever the umask', () => {
    const before = process.umask(0);
    try {
      open();
    } finally {
      process.umask(before);
    }
    expect(statSync(directory).mode & 0o7777).toBe(0o700);
  });

  it.each([0o755, 0o770, 0o707, 0o701])('refuses a directory of mode %o', (mode) => {
    mkdirSync(directory);
    chmodSync(directory, mode);
    expect(whyNot()).toBe(`mode ${mode.toString(8)}, not 700`);
  });

  it('refuses the directory of another user', () => {
    mkdirSync(directory, { mode: 0o700 });
    expect(whyNot(me + 1)).toBe(`owned by user ${me}, not ${me + 1}`);
  });

  it('refuses a link to a directory that would do, and a file', () => {
    mkdirSync(join(folder, 'other'), { mode: 0o700 });
    symlinkSync('other', directory);
    expect(whyNot()).toBe('not a directory');
    rmSync(directory);
    writeFileSync(directory, '');
    expect(whyNot()).toBe('not a directory');
  });

  it('makes no directories above it', () => {
    directory = join(folder, 'none', 'cache');
    expect(whyNot()).toBe('cannot be made: ENOENT');
  });
});

describe('ObjectCache', () => {
  it('gives back what was put, and nothing of another name', () => {
    open().put(slot, entry);
    expect(open().get(slot)).toEqual(entry);
    expect(open().get(sha256('another question'))).toBeUndefined();
    expect(statSync(join(directory, slot)).mode & 0o7777).toBe(0o600);
  });

  it('replaces an entry, and leaves no temporary file', () => {
    const cache = open();
    cache.put(slot, entry);
    cache.put(slot, { ...entry, key: 'another key' });
    expect(cache.get(slot)?.key).toBe('another key');
    expect(readdirSync(directory)).toEqual([slot]);
  });

  it('takes no entry in which any one byte differs, or that ends early', () => {
    const cache = open();
    cache.put(slot, entry);
    const path = join(directory, slot);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      expect(cache.get(slot), `byte ${at}`).toBeUndefined();
      writeFileSync(path, whole.subarray(0, at));
      expect(cache.get(slot), `${at} bytes`).toBeUndefined();
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.of(0x20)]));
    expect(cache.get(slot)).toBeUndefined();
    writeFileSync(path, whole);
    expect(cache.get(slot)).toEqual(entry);
  });

  it('takes no whole entry of another form', () => {
    const cache = open();
    const write = (magic: string, body: string): void => {
      writeFileSync(
        join(directory, slot),
        `${magic} ${Buffer.byteLength(body)} ${sha256(body)}\n${body}`,
      );
    };
    write('xcap-object-1', JSON.stringify(entry));
    expect(cache.get(slot)).toEqual(entry);
    write('xcap-object-2', JSON.stringify(entry));
    expect(cache.get(slot)).toBeUndefined();
    for (const body of ['{}', 'null', '{"key":1,"compiler":[],"insns":[]}', 'no JSON']) {
      write('xcap-object-1', body);
      expect(cache.get(slot), body).toBeUndefined();
    }
  });

  it.each([0o620, 0o602, 0o666])('takes no entry of mode %o', (mode) => {
    open().put(slot, entry);
    chmodSync(join(directory, slot), mode);
    expect(open().get(slot)).toBeUndefined();
  });

  it.runIf(me === 0)('takes no entry that another user owns', async () => {
    const { chownSync } = await import('node:fs');
    open().put(slot, entry);
    chownSync(join(directory, slot), 65534, 65534);
    expect(open().get(slot)).toBeUndefined();
  });

  it('follows no link to an entry, but replaces it', () => {
    const cache = open();
    cache.put(slot, entry);
    renameSync(join(directory, slot), join(folder, 'elsewhere'));
    symlinkSync('../elsewhere', join(directory, slot));
    expect(cache.get(slot)).toBeUndefined();
    cache.put(slot, { ...entry, key: 'mine' });
    expect(lstatSync(join(directory, slot)).isFile()).toBe(true);
    expect(readFileSync(join(folder, 'elsewhere'), 'utf8')).not.toContain('mine');
  });

  it('lives with a directory in the place of an entry, and with one that went away', () => {
    const cache = open();
    mkdirSync(join(directory, slot));
    expect(cache.get(slot)).toBeUndefined();
    cache.put(slot, entry);
    expect(readdirSync(directory)).toEqual([slot]);
    rmSync(directory, { recursive: true });
    expect(cache.get(slot)).toBeUndefined();
    cache.put(slot, entry);
    expect(existsSync(directory)).toBe(false);
  });

  it.skipIf(me === 0)('lives with a directory that cannot be written', () => {
    const cache = open();
    chmodSync(directory, 0o500);
    cache.put(slot, entry);
    expect(readdirSync(directory)).toEqual([]);
    chmodSync(directory, 0o700);
  });

  it('keeps 64 entries, the newest ones', () => {
    const cache = open();
    for (let i = 0; i < 70; i++) {
      const name = sha256(String(i));
      cache.put(name, entry);
      // In the past, in their order.
      const time = Date.now() / 1000 - 1000 + i;
      utimesSync(join(directory, name), time, time);
    }
    cache.put(slot, entry);
    expect(readdirSync(directory)).toHaveLength(64);
    expect(cache.get(sha256('6'))).toBeUndefined();
    expect(cache.get(sha256('7'))).toEqual(entry);
    expect(cache.get(slot)).toEqual(entry);
  });

  it('keeps 16 MiB, and nothing that is larger than a quarter', () => {
    const cache = open();
    const large = (mib: number): CacheEntry => ({ ...entry, insns: ['A'.repeat(mib << 20)] });
    for (let i = 0; i < 7; i++) {
      const name = sha256(String(i));
      cache.put(name, large(3));
      utimesSync(join(directory, name), 1000 + i, 1000 + i);
    }
    expect(readdirSync(directory)).toHaveLength(5);
    expect(cache.get(sha256('1'))).toBeUndefined();
    expect(cache.get(sha256('6'))).toBeDefined();
    cache.put(slot, large(4));
    expect(cache.get(slot)).toBeUndefined();
  });

  it('removes what a process that died left, and no file of a name that it does not give', () => {
    const cache = open();
    const old = `.new-${'0'.repeat(24)}`;
    const young = `.new-${'1'.repeat(24)}`;
    for (const name of [old, young, 'a file']) writeFileSync(join(directory, name), '');
    for (const name of [old, 'a file']) utimesSync(join(directory, name), 1000, 1000);
    cache.put(slot, entry);
    expect(readdirSync(directory).sort()).toEqual([young, slot, 'a file'].sort());
  });
});
