import { expect, test } from 'vitest';
import { asm, irOf } from '../support/asm.ts';

test('splitBlocks() cuts at jumps and at their targets', () => {
  const ir = irOf(
    asm.ldh(12),
    asm.jeq(0x800, 0, 2),
    asm.ldb(23),
    asm.jeq(1, 1, 0),
    asm.ret(0),
    asm.ret(9),
  );
  expect(ir.blocks.map(({ id }) => id)).toEqual([0, 2, 4, 5]);
  expect(ir.blocks[0]!.end).toMatchObject({ op: 'branch', whenTrue: 2, whenFalse: 4 });
});

test('splitBlocks() leaves out what no path reaches', () => {
  const ir = irOf(asm.ja(1), asm.ldb(0), asm.ret(0));
  expect(ir.blocks.map(({ id }) => id)).toEqual([0, 2]);
});

test('splitBlocks() falls through into a block that is jumped to', () => {
  const ir = irOf(asm.jeq(1, 1, 0), asm.ldb(0), asm.retA());
  expect(ir.blocks[1]!.end).toEqual({ op: 'goto', to: 2 });
});

test('splitBlocks() makes a jump to one place a goto', () => {
  expect(irOf(asm.jeq(1, 0, 0), asm.ret(0)).blocks[0]!.end).toEqual({ op: 'goto', to: 1 });
});
