import { expect, test } from 'vitest';
import type { RawProgram } from '../../../../src/filter/cbpf.ts';
import { boundsGuards } from '../../../../src/filter/passes/bounds-guards.ts';
import { ranges } from '../../../../src/filter/passes/ranges.ts';
import { asm, irOf } from '../support/asm.ts';

/** Per block: its id and its guards, as `packet 24` or `index 18`, among other instructions as `-`. */
function guardsIn(...program: RawProgram): Record<number, string> {
  const { blocks } = boundsGuards(ranges(irOf(...program)));
  return Object.fromEntries(
    blocks.map(({ id, insns }) => {
      const words = insns.map((insn) => {
        if (insn.op === 'guard-packet') return `packet ${insn.end}`;
        return insn.op === 'guard-index' ? `index ${insn.end}` : '-';
      });
      return [id, words.join(' ')];
    }),
  );
}

test('boundsGuards() hoists a guard past a branch that rejects otherwise', () => {
  const icmp = [asm.ldh(12), asm.jeq(0x800, 0, 3), asm.ldb(23), asm.jeq(1, 0, 1)];
  expect(guardsIn(...icmp, asm.ret(9), asm.ret(0))).toEqual({
    0: 'packet 24 -',
    2: '-',
    4: '',
    5: '',
  });
});

test('boundsGuards() leaves a guard below a branch that matches short packets too', () => {
  const notIcmp = [asm.ldh(12), asm.jeq(0x800, 0, 2), asm.ldb(23), asm.jeq(1, 1, 0)];
  expect(guardsIn(...notIcmp, asm.ret(9), asm.ret(0))).toMatchObject({
    0: 'packet 14 -',
    2: 'packet 24 -',
  });
});

test('boundsGuards() takes the smaller need of two branches', () => {
  const either = [asm.ldb(0), asm.jeq(1, 0, 1), asm.ldb(30), asm.ldb(20), asm.retA()];
  expect(guardsIn(...either)).toMatchObject({ 0: 'packet 21 -' });
});

test('boundsGuards() measures indexed loads from the X of their place', () => {
  const twice = [asm.ldxMsh(14), asm.ldbInd(10), asm.ldbInd(4), asm.ldxMsh(0), asm.ldbInd(7)];
  expect(guardsIn(...twice, asm.retA())).toEqual({ 0: 'packet 15 - index 11 - - - index 8 -' });
});

test('boundsGuards() does not repeat an indexed guard that holds', () => {
  const ports = [asm.ldxMsh(14), asm.ldhInd(16), asm.jeq(80, 1, 0), asm.ldhInd(14), asm.retA()];
  expect(guardsIn(...ports)).toEqual({ 0: 'packet 15 - index 18 -', 3: '-', 4: '' });
});

test('boundsGuards() repeats it where a path without it joins', () => {
  const paths = [
    asm.ldxMsh(0),
    asm.ldb(1),
    asm.jeq(1, 0, 1),
    asm.ldbInd(3),
    asm.ldbInd(1),
    asm.retA(),
  ];
  expect(guardsIn(...paths)).toEqual({ 0: 'packet 2 - index 2 -', 3: 'index 4 -', 4: '-' });
});

test('boundsGuards() leaves loads at an unknown X to themselves', () => {
  expect(guardsIn(asm.ld(0), asm.tax(), asm.ldbInd(4), asm.retA())).toEqual({
    0: 'packet 4 - - -',
  });
});

test('boundsGuards() makes what can only reject a return', () => {
  const program = [asm.ldb(0), asm.jeq(1, 0, 2), asm.ldb(99), asm.ret(0), asm.ret(1)];
  expect(guardsIn(...program)).toEqual({ 0: 'packet 1 -', 2: '', 4: '' });
});
