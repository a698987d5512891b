import { describe, expect, it } from 'vitest';
import { decodeBuilt, encodeBuilt } from '../../../src/capture/built-file.ts';
import { sha256 } from '../../../src/util/sha256.ts';
import { RuntimeError, UnsupportedError } from '../../../src/errors.ts';
import { BUILT } from './support/built.ts';

const encoded = Buffer.from(encodeBuilt(BUILT));
const decode = (bytes: Uint8Array): unknown => decodeBuilt(bytes, 'x.xcap');

/** Whole by its length and checksum, whatever it says. */
function signed(body: string): Uint8Array {
  return Buffer.from(`xcap-program 1 ${Buffer.byteLength(body)} ${sha256(body)}\n${body}`);
}

/** The file with one member, named by its path, replaced; undefined takes it out. */
function changed(path: readonly (string | number)[], value: unknown): Uint8Array {
  const copy = JSON.parse(JSON.stringify(BUILT)) as Record<string | number, unknown>;
  let at = copy;
  for (const step of path.slice(0, -1)) at = at[step] as typeof at;
  const last = path.at(-1) ?? '';
  at[last] = value;
  return signed(JSON.stringify(copy));
}

describe('a built program', () => {
  it('is read as it was written', () => {
    expect(decode(encoded)).toEqual(BUILT);
  });

  it('is the same file each time, and names no path', () => {
    expect(encodeBuilt(BUILT)).toBe(encodeBuilt(BUILT));
    expect(encoded.toString()).not.toMatch(/"\//);
  });

  it('is refused when a byte of it has changed', () => {
    for (let at = 0; at < encoded.length; at++) {
      const damaged = Buffer.from(encoded);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      // One of the format's number is another format.
      expect(() => decode(damaged), `byte ${at}`).toThrow(
        at === 'xcap-program '.length ? /./ : RuntimeError,
      );
    }
  });

  it('is refused when some of it is missing, or something follows', () => {
    for (let length = 0; length < encoded.length; length++) {
      expect(() => decode(encoded.subarray(0, length)), `${length}`).toThrow(RuntimeError);
    }
    expect(() => decode(Buffer.concat([encoded, Buffer.from(' ')]))).toThrow('damaged');
  });

  it('of another format says which one this reads', () => {
    for (const head of ['xcap-program 2 what ever', 'xcap-program 999']) {
      const decodeOther = (): unknown => decode(Buffer.from(`${head}\nmore`));
      expect(decodeOther).toThrow(UnsupportedError);
      expect(decodeOther).toThrow(/its format is \d+, this xcap reads 1$/);
    }
  });

  it('that is none is refused', () => {
    for (const text of ['', '\n', '\x7fELF', 'xcap-program', 'xcap-program 0 1 2\n']) {
      expect(() => decode(Buffer.from(text)), JSON.stringify(text)).toThrow('not made by xcap');
    }
  });

  it.each<[string, readonly (string | number)[], unknown, RegExp]>([
    ['a member is missing', ['kernel'], undefined, /file\.kernel: no object$/],
    ['there is one more', ['spare'], 1, /file\.spare: not known$/],
    ['there is one more inside', ['kernel', '__proto'], 1, /file\.kernel\.__proto: not known$/],
    ['a hash is no hash', ['kernel', 'btf'], 'A'.repeat(64), /file\.kernel\.btf: not of its form$/],
    ['an ability is unknown', ['abilities', 0, 'id'], 'magic', /abilities\[0\]\.id: none of /],
    ['a flag is a number', ['abilities', 0, 'has'], 1, /abilities\[0\]\.has: neither/],
    ['a snap length is too large', ['options', 'snaplen'], 262145, /snaplen: no number from 1 to/],
    ['a number is no integer', ['options', 'snaplen'], 1.5, /snaplen: no number from 1 to/],
    ['a ring is no power of two', ['options', 'ringKiB'], 24, /ringKiB: no power of two$/],
    ['a backend is unknown', ['options', 'backend'], 'uprobe', /options\.backend: none of fentry/],
    ['a name is too long', ['options', 'metadata', 3, 'value'], 'x'.repeat(16), /metadata\[3\]/],
    ['a mark is outside its mask', ['options', 'metadata', 4, 'value'], 0x100, /metadata\[4\]/],
    ['a metadata key is unknown', ['options', 'metadata', 0, 'key'], 'gid', /metadata\[0\]/],
    ['a list is none', ['options', 'hooks'], {}, /options\.hooks: no list$/],
    ['a list is too long', ['units', 0, 'functions'], Array(5000).fill('f'), /more than 4096$/],
    ['a function is no name', ['units', 0, 'functions', 0], 'a b', /functions\[0\]: not of its/],
    ['user C has a path', ['options', 'filterC', 'name'], '/etc/x.c', /filterC\.name: not of its/],
    ['the licence is another', ['license'], 'Proprietary', /file\.license: none of/],
    [
      'a cBPF instruction is out of range',
      ['expressions', 0, 'answer', 'program', 0, 'jt'],
      256,
      /expressions\[0\]\.answer/,
    ],
    ['an instruction is cut', ['insns', 0], 'twAAAAA=', /insns\[0\]: no whole instructions$/],
    ['there is no instruction', ['insns', 0], '', /insns\[0\]: no whole instructions$/],
    ['instructions are no Base64', ['insns', 0], '{}', /insns\[0\]: not of its form$/],
    ['a 64-bit load is cut', ['insns', 0], 'GAAAAAAAAAA=', /insns\[0\]: half a 64-bit load$/],
    ['programs and functions differ', ['insns'], [], /0 programs of 1 functions$/],
  ])('whole by its checksum is refused when %s', (_what, path, value, message) => {
    const decodeChanged = (): unknown => decode(changed(path, value));
    expect(decodeChanged).toThrow(RuntimeError);
    expect(decodeChanged).toThrow(message);
    expect(decodeChanged).toThrow(/^reading the built program: x\.xcap: not sound: file/);
  });

  it.each(['[]', 'null', '1', '{', '', '\ufffd'])(
    'whole by its checksum is refused: %j',
    (body) => {
      expect(() => decode(signed(body))).toThrow('not sound');
    },
  );

  it('that is no UTF-8 is refused', () => {
    const body = Buffer.from([0x22, 0xff, 0x22]);
    const head = Buffer.from(`xcap-program 1 3 ${sha256(body)}\n`);
    expect(() => decode(Buffer.concat([head, body]))).toThrow('not sound: no JSON');
  });
});
