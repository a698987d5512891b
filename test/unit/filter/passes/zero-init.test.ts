import { expect, test } from 'vitest';
import { zeroInit } from '../../../../src/filter/passes/zero-init.ts';
import { asm, irOf } from '../support/asm.ts';

const A0 = { op: 'ld-imm', to: 'a', k: 0 };
const X0 = { op: 'ld-imm', to: 'x', k: 0 };

test.each([
  ['A when it is returned first', irOf(asm.retA()), [A0]],
  ['A when it is compared first', irOf(asm.jeq(0, 0, 1), asm.ret(1), asm.ret(0)), [A0]],
  ['A and X when X is added to A', irOf(asm.addX(), asm.retA()), [A0, X0]],
  ['X when an indexed load comes first', irOf(asm.ldbInd(4), asm.retA()), [X0]],
  [
    'X when only a later block reads it',
    irOf(asm.ldb(0), asm.jeq(1, 1, 0), asm.ret(0), asm.txa(), asm.retA()),
    [X0],
  ],
  ['nothing when both are written first', irOf(asm.ldxMsh(14), asm.ldbInd(4), asm.retA()), []],
  ['nothing when a constant is returned', irOf(asm.ret(1)), []],
])('zeroInit() sets %s', (_name, ir, zeros) => {
  const entry = zeroInit(ir).blocks[0]!.insns;
  expect(entry.slice(0, zeros.length)).toEqual(zeros);
  expect(entry).toHaveLength(zeros.length + ir.blocks[0]!.insns.length);
});
