import type { AluOp } from './insn.ts';
import type { ValueRange } from './ir.ts';

const U32_MAX = 0xffff_ffff;

export const ANY_VALUE: ValueRange = { max: U32_MAX, bits: U32_MAX };

/** Ones up to the highest bit of a value. */
const onesUpTo = (value: number): number => (value === 0 ? 0 : 2 ** (32 - Math.clz32(value)) - 1);

/** Both facts, each sharpened by the other. */
function range(max: number, bits: number): ValueRange {
  const known = (bits & onesUpTo(Math.min(max, U32_MAX))) >>> 0;
  return { max: Math.min(max, known), bits: known };
}

export const exactly = (value: number): ValueRange => ({ max: value, bits: value });

/** Holds for a value that is either of two. */
export function either(left: ValueRange, right: ValueRange): ValueRange {
  return range(Math.max(left.max, right.max), (left.bits | right.bits) >>> 0);
}

/** Bits below the lowest that may be set in either. */
function commonZeros(left: ValueRange, right: ValueRange): number {
  const bits = (left.bits | right.bits) >>> 0;
  return bits === 0 ? 0 : ((bits & -bits) >>> 0) - 1;
}

type Rule = (a: ValueRange, b: ValueRange, k: number | undefined) => ValueRange;

const isDivisor = (k: number | undefined): k is number => k !== undefined && k > 0;

const RULES: Readonly<Record<AluOp, Rule>> = {
  add(a, b) {
    const max = a.max + b.max;
    return max > U32_MAX ? ANY_VALUE : range(max, (U32_MAX & ~commonZeros(a, b)) >>> 0);
  },
  sub: () => ANY_VALUE,
  mul(a, b) {
    const max = a.max * b.max;
    return max > U32_MAX ? ANY_VALUE : range(max, U32_MAX);
  },
  div: (a, _b, k) => (isDivisor(k) ? range(Math.floor(a.max / k), U32_MAX) : range(a.max, U32_MAX)),
  mod: (a, _b, k) => range(isDivisor(k) ? Math.min(a.max, k - 1) : a.max, U32_MAX),
  and: (a, b) => range(Math.min(a.max, b.max), (a.bits & b.bits) >>> 0),
  or: (a, b) => range(U32_MAX, (a.bits | b.bits) >>> 0),
  xor: (a, b) => range(U32_MAX, (a.bits | b.bits) >>> 0),
  lsh(a, _b, k) {
    if (k === undefined || a.max * 2 ** k > U32_MAX) return ANY_VALUE;
    return range(a.max * 2 ** k, (a.bits << k) >>> 0);
  },
  rsh: (a, _b, k) => (k === undefined ? range(a.max, U32_MAX) : range(a.max >>> k, a.bits >>> k)),
};

/**
 * The range of an arithmetic result.
 *
 * @param k the second operand when it is a constant
 */
export function afterAlu(
  alu: AluOp,
  a: ValueRange,
  b: ValueRange,
  k: number | undefined,
): ValueRange {
  return RULES[alu](a, b, k);
}
