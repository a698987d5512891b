import { expect, test } from 'vitest';
import type { RawProgram } from '../../../../src/filter/cbpf.ts';
import { ahead } from '../../../../src/filter/passes/ahead.ts';
import { boundsGuards } from '../../../../src/filter/passes/bounds-guards.ts';
import { ranges } from '../../../../src/filter/passes/ranges.ts';
import { asm, irOf } from '../support/asm.ts';

/** The loads at X, in order: `14: loads 14`, `16: has 14`. */
function aheadIn(...program: RawProgram): readonly string[] {
  return ahead(boundsGuards(ranges(irOf(...program)))).blocks.flatMap(({ insns }) =>
    insns.flatMap((insn) => {
      if (insn.op !== 'ld-ind') return [];
      const at = insn.ahead;
      return [
        at === undefined ? `${insn.k}` : `${insn.k}: ${at.loads ? 'loads' : 'has'} ${at.from}`,
      ];
    }),
  );
}

const PORTS = [asm.ldxMsh(14), asm.ldhInd(14), asm.jeq(53, 2, 0)];

test('ahead() takes both ports of one load', () => {
  const program = [...PORTS, asm.ldhInd(16), asm.jeq(53, 0, 1), asm.ret(1), asm.ret(0)];
  expect(aheadIn(...program)).toEqual(['14: loads 14', '16: has 14']);
});

test('ahead() loads anew behind another X', () => {
  const program = [...PORTS, asm.ldxMsh(30), asm.ldhInd(16), asm.retA()];
  expect(aheadIn(...program)).toEqual(['14: loads 14', '16']);
});

test('ahead() loads anew where one of the ways did not', () => {
  const skips = [asm.ldxMsh(14), asm.ldb(0), asm.jeq(1, 1, 0), asm.ldhInd(14), asm.ldhInd(16)];
  expect(aheadIn(...skips, asm.retA())).toEqual(['14: loads 14', '16']);
});

test('ahead() leaves a single load alone, and one of an X without bounds', () => {
  expect(aheadIn(asm.ldxMsh(14), asm.ldhInd(14), asm.retA())).toEqual(['14']);
  const wild = [asm.ld(0), asm.tax(), asm.ldhInd(14), asm.jeq(1, 0, 1), asm.ldhInd(16), asm.retA()];
  expect(aheadIn(...wild)).toEqual(['14', '16']);
});
