import { expect, test } from 'vitest';
import type { RawProgram } from '../../../src/filter/cbpf.ts';
import { ranges } from '../../../src/filter/passes/ranges.ts';
import { accessOf, pieceSize, planWindow } from '../../../src/filter/window.ts';
import { asm, irOf } from './support/asm.ts';

const plan = (...program: RawProgram) => planWindow(ranges(irOf(...program)));

test('planWindow() fetches from the first byte to the last, in whole words', () => {
  expect(plan(asm.ldh(12), asm.ldb(23), asm.retA())).toEqual({
    first: 12,
    pad: 0,
    wide: 16,
    narrow: 16,
    arrayBytes: 16,
  });
});

test('planWindow() needs none for a filter that loads nothing', () => {
  expect(plan(asm.ret(1))).toBeUndefined();
});

test('planWindow() covers every value of a bounded index when stack reads may vary', () => {
  expect(plan(asm.ldxMsh(14), asm.ldhInd(16), asm.retA())).toMatchObject({
    first: 14,
    wide: 64,
    narrow: 8,
  });
});

test('planWindow() leaves out what lies too far, and never exceeds 256 bytes from the start', () => {
  expect(plan(asm.ldb(0), asm.ld(300), asm.retA())).toMatchObject({ first: 0, wide: 8 });
  expect(plan(asm.ldb(3), asm.ldh(254), asm.retA())).toMatchObject({ first: 3, wide: 253 });
  expect(plan(asm.ldb(3), asm.ldh(255), asm.retA())).toMatchObject({ first: 3, wide: 8 });
});

test('planWindow() aligns what is loaded as a word', () => {
  const window = plan(asm.ldh(12), asm.ld(26), asm.ld(30), asm.retA())!;
  expect((26 - window.first + window.pad) % 4).toBe(0);
  expect(window.arrayBytes % 8).toBe(0);
  expect(window.arrayBytes).toBeGreaterThanOrEqual(window.pad + window.wide);
});

test.each([
  ['an aligned word', asm.ld(14), 4],
  ['a word between words', asm.ld(16), 2],
  ['a word at an odd place', asm.ld(15), 1],
  ['an aligned half word', asm.ldh(16), 2],
  ['a half word at an odd place', asm.ldh(17), 1],
])('pieceSize() reads %s without crossing an alignment', (_name, insn, size) => {
  const access = accessOf(irOf(insn, asm.retA()).blocks[0]!.insns[0]!)!;
  expect(pieceSize(access, { first: 12, pad: 2 })).toBe(size);
});

test('pieceSize() counts the low bits that an index may have', () => {
  const at = (bits: number) =>
    pieceSize({ offset: 14, size: 4, index: { max: bits, bits } }, { first: 14, pad: 0 });
  expect([at(0x3c), at(0x3e), at(0x3f)]).toEqual([4, 2, 1]);
});
