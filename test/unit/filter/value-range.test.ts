import { expect, test } from 'vitest';
import type { AluOp } from '../../../src/filter/insn.ts';
import type { ValueRange } from '../../../src/filter/ir.ts';
import { afterAlu, ANY_VALUE, either, exactly } from '../../../src/filter/value-range.ts';
import { randomFrom } from './support/random-program.ts';

const OPS: readonly (readonly [AluOp, (a: number, b: number) => number])[] = [
  ['add', (a, b) => a + b],
  ['sub', (a, b) => a - b],
  ['mul', (a, b) => Math.imul(a, b)],
  ['div', (a, b) => (b === 0 ? 0 : Math.floor(a / b))],
  ['mod', (a, b) => (b === 0 ? 0 : a % b)],
  ['and', (a, b) => a & b],
  ['or', (a, b) => a | b],
  ['xor', (a, b) => a ^ b],
  ['lsh', (a, b) => a << b],
  ['rsh', (a, b) => a >>> b],
];

const holds = ({ max, bits }: ValueRange, value: number): boolean =>
  value <= max && (value & ~bits) === 0 && max <= bits;

test.each(OPS)('afterAlu() covers every result of %s', (op, apply) => {
  const random = randomFrom(3);
  for (let i = 0; i < 3000; i += 1) {
    const [left, right] = [random(2) ? 31 : 8, random(4) ? 5 : 32].map((width) => {
      const bits = random(2 ** width) >>> 0;
      return { max: bits, bits };
    }) as [ValueRange, ValueRange];
    const a = (random(2 ** 32) & left.bits) >>> 0;
    const b = (random(2 ** 32) & right.bits) >>> 0;
    expect(holds(afterAlu(op, left, right, undefined), apply(a, b) >>> 0)).toBe(true);
    const k = op === 'lsh' || op === 'rsh' ? b & 31 : b;
    if ((op === 'div' || op === 'mod') && k === 0) continue;
    expect(holds(afterAlu(op, left, exactly(k), k), apply(a, k) >>> 0)).toBe(true);
  }
});

test('either() covers both', () => {
  expect(either(exactly(8), exactly(3))).toEqual({ max: 8, bits: 11 });
  expect(either(exactly(8), ANY_VALUE)).toEqual(ANY_VALUE);
});
