import { expect, test } from 'vitest';
import type { RawProgram } from '../../../../src/filter/cbpf.ts';
import { divisionGuards } from '../../../../src/filter/passes/division-guards.ts';
import { asm, irOf } from '../support/asm.ts';

const opsAfter = (...program: RawProgram): readonly string[] =>
  divisionGuards(irOf(...program)).blocks[0]!.insns.map(({ op }) => op);

test('divisionGuards() puts a guard before / x and % x', () => {
  expect(opsAfter(asm.divX(), asm.modX(), asm.retA())).toEqual([
    'guard-divisor',
    'alu',
    'guard-divisor',
    'alu',
  ]);
});

test('divisionGuards() leaves other arithmetic alone', () => {
  expect(opsAfter(asm.addX(), asm.div(3), asm.retA())).toEqual(['alu', 'alu']);
});
