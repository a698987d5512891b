import { expect, test } from 'vitest';
import type { RawProgram } from '../../../../src/filter/cbpf.ts';
import { ranges } from '../../../../src/filter/passes/ranges.ts';
import { asm, irOf } from '../support/asm.ts';

/** The range of X at the last indexed load. */
const indexIn = (...program: RawProgram): unknown =>
  ranges(irOf(...program))
    .blocks.flatMap(({ insns }) => insns)
    .flatMap((insn) => (insn.op === 'ld-ind' ? [insn.index] : []))
    .at(-1);

test.each([
  ['an IPv4 header length', [asm.ldxMsh(14)], { max: 60, bits: 0x3c }],
  ['a constant', [asm.ldxImm(14)], { max: 14, bits: 14 }],
  ['a byte', [asm.ldb(0), asm.tax()], { max: 255, bits: 0xff }],
  ['a field of two bytes', [asm.ldh(0), asm.tax()], { max: 0xffff, bits: 0xffff }],
  ['a masked word', [asm.ld(0), asm.and(0x3c), asm.tax()], { max: 60, bits: 0x3c }],
  [
    'the sum of two header lengths',
    [asm.ldxMsh(14), asm.ldb(26), asm.and(0x3c), asm.addX(), asm.tax()],
    { max: 120, bits: 0x7c },
  ],
  [
    'a value that went through a cell',
    [asm.ldxMsh(14), asm.stx(3), asm.ldxMem(3)],
    { max: 60, bits: 0x3c },
  ],
  ['X at the start', [], { max: 0, bits: 0 }],
])('ranges() knows %s', (_name, before, expected) => {
  expect(indexIn(...before, asm.ldhInd(14), asm.retA())).toEqual(expected);
});

test('ranges() covers both paths that meet', () => {
  const paths = [asm.ldb(0), asm.jeq(1, 0, 2), asm.ldxImm(8), asm.ja(1), asm.ldxImm(3)];
  expect(indexIn(...paths, asm.ldbInd(0), asm.retA())).toEqual({ max: 8, bits: 11 });
});

test('ranges() says nothing of an X that could make the sum wrap', () => {
  expect(indexIn(asm.ld(0), asm.tax(), asm.ldbInd(14), asm.retA())).toBeUndefined();
  expect(indexIn(asm.ldxMsh(14), asm.ldbInd(0xffff_fff0), asm.retA())).toBeUndefined();
});
