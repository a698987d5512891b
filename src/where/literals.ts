import type { ValueRange } from './condition.ts';
import { valuesOfName } from './names.ts';
import type { LiteralSide, NumberSide, Side, TextSide, ValueSide, WhereScope } from './sides.ts';
import { type Span, whereError } from './where-error.ts';

export function isLiteral(side: Side): side is LiteralSide {
  return side.kind === 'number' || side.kind === 'string' || side.kind === 'word';
}

/**
 * What a literal means beside a number: itself, or what it is a name of.
 *
 * @throws FilterError when that can never be there
 */
export function literalRanges(
  scope: WhereScope,
  beside: ValueSide,
  literal: LiteralSide,
): readonly ValueRange[] {
  const { vocabulary } = beside;
  const [min, max] = limits(beside);
  if (literal.kind === 'number') {
    const value = literalWithin(scope, literal, min, max);
    if (vocabulary === 'hook') throw fail(scope, literal.at, 'expected the name of a hook');
    // So that a kernel without reasons says so.
    if (vocabulary === 'reason') named(scope, beside, literal.at, String(value));
    return [{ from: value, to: value }];
  }
  if (literal.kind === 'string' && (vocabulary === undefined || vocabulary === 'any')) {
    throw fail(scope, literal.at, expectedBeside(beside));
  }
  const text = literal.kind === 'word' ? literal.name : new TextDecoder().decode(literal.bytes);
  const ranges = named(scope, beside, literal.at, text);
  for (const { from, to } of ranges) {
    if (from < min || to > max) throw outOfRange(scope, literal.at, min, max);
  }
  return ranges;
}

export function literalWithin(
  scope: WhereScope,
  literal: NumberSide,
  min: bigint,
  max: bigint,
): bigint {
  const { at, value } = literal;
  if (value < min || value > max) throw outOfRange(scope, at, min, max);
  return value;
}

/** The bytes of a literal beside a string. @throws FilterError */
export function literalText(scope: WhereScope, beside: TextSide, literal: Side): Uint8Array {
  if (literal.kind !== 'string') {
    const hint = literal.kind === 'word' ? quoteHint(scope, literal.at) : undefined;
    throw fail(scope, literal.at, 'expected a string in quotes', hint);
  }
  if (literal.bytes.length > beside.limit) {
    const why = `longer than the ${beside.limit} bytes that can be there`;
    throw fail(scope, literal.at, why, 'a beginning is asked for by ~');
  }
  return literal.bytes;
}

export function expectedBeside({ vocabulary }: ValueSide): string {
  if (vocabulary === undefined || vocabulary === 'any') return 'expected a number';
  return 'expected a name or a number';
}

/** For a name of the user's that is a field's name too. */
export function quoteHint({ expression }: WhereScope, at: Span): string {
  return `a name is written in quotes: "${expression.slice(at.start, at.end)}"`;
}

function named(
  { expression, btf, names }: WhereScope,
  beside: ValueSide,
  at: Span,
  text: string,
): readonly ValueRange[] {
  return valuesOfName(btf, names, beside.vocabulary ?? 'any', { expression, at, text });
}

function limits({ bits, signed, mask }: ValueSide): readonly [min: bigint, max: bigint] {
  if (mask !== undefined) return [0n, mask];
  const span = 1n << BigInt(bits);
  return signed ? [-span / 2n, span / 2n - 1n] : [0n, span - 1n];
}

function outOfRange(scope: WhereScope, at: Span, min: bigint, max: bigint): Error {
  return fail(scope, at, 'out of range', `it is ${min} to ${max}`);
}

function fail({ expression }: WhereScope, at: Span, why: string, hint?: string): Error {
  return whereError(expression, at, why, hint);
}
