import { expect, test } from 'vitest';
import type { RawProgram } from '../../../src/filter/cbpf.ts';
import { decode } from '../../../src/filter/decode.ts';
import { interpret } from '../../../src/filter/interpret.ts';
import { asm } from './support/asm.ts';

const run = (program: RawProgram, bytes: readonly number[] = [1, 2, 3, 4], wire = 99): number =>
  interpret(decode(program), Uint8Array.from(bytes), wire);

test('interpret() starts with A and X at zero', () => {
  expect(run([asm.addX(), asm.retA()])).toBe(0);
  expect(run([asm.jeqX(0, 1), asm.ret(7), asm.ret(8)])).toBe(7);
});

test('interpret() reads in network order and rejects what is out of bounds', () => {
  expect(run([asm.ld(0), asm.retA()])).toBe(0x01020304);
  expect(run([asm.ldh(2), asm.retA()])).toBe(0x0304);
  expect(run([asm.ldh(3), asm.ret(5)])).toBe(0);
  expect(run([asm.ldxMsh(4), asm.ret(5)])).toBe(0);
});

test('interpret() wraps X + k at 32 bits', () => {
  expect(run([asm.ldxImm(0xffff_ffff), asm.ldbInd(2), asm.retA()])).toBe(2);
  expect(run([asm.ldxImm(0xffff_ffff), asm.ldbInd(0), asm.ret(5)])).toBe(0);
});

test('interpret() masks a shift by X with 31', () => {
  expect(run([asm.ldImm(1), asm.ldxImm(33), asm.lshX(), asm.retA()])).toBe(2);
});

test('interpret() rejects a division by zero', () => {
  expect(run([asm.ldImm(8), asm.divX(), asm.ret(5)])).toBe(0);
  expect(run([asm.ldImm(8), asm.modX(), asm.ret(5)])).toBe(0);
});

test('interpret() takes len from the wire, not from the copy', () => {
  expect(run([{ code: 0x80, jt: 0, jf: 0, k: 0 }, asm.retA()])).toBe(99);
});

test('interpret() keeps values unsigned', () => {
  expect(run([asm.ldImm(0xffff_ffff), asm.and(0xf000_0000), asm.retA()])).toBe(0xf000_0000);
});
