import { assertNever } from '../errors.ts';
import type {
  BareTerm,
  CompareTerm,
  Comparison,
  Expression,
  InTerm,
  Literal,
  PrefixTerm,
  Term,
} from './ast.ts';
import type { Condition, Test, ValueRange } from './condition.ts';
import {
  expectedBeside,
  isLiteral,
  literalRanges,
  literalText,
  literalWithin,
  quoteHint,
} from './literals.ts';
import {
  type LiteralSide,
  type PointerSide,
  type Side,
  sideOf,
  type TextSide,
  unknownName,
  type ValueSide,
  type WhereScope,
} from './sides.ts';
import { type Span, whereError } from './where-error.ts';

/**
 * Gives every name of a parsed --where its meaning, and holds what is compared against each other's
 * types.
 *
 * @throws FilterError at what means nothing
 */
export function resolveWhere(scope: WhereScope, tree: Expression): Condition {
  switch (tree.kind) {
    case 'and':
    case 'or':
      return { kind: tree.kind, of: tree.of.map((each) => resolveWhere(scope, each)) };
    case 'not':
      return { kind: 'not', of: resolveWhere(scope, tree.of) };
    default:
      return new TermResolver(scope).resolve(tree);
  }
}

const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};
/** Zero is a name like the others here, and no "no". */
const NO_TRUTH: readonly unknown[] = ['hook', 'context', 'packet_type', 'link'];

class TermResolver {
  readonly #scope: WhereScope;

  constructor(scope: WhereScope) {
    this.#scope = scope;
  }

  resolve(term: Term): Test {
    switch (term.kind) {
      case 'compare':
        return this.#compare(term);
      case 'in':
        return this.#within(term);
      case 'prefix':
        return this.#prefix(term);
      case 'bare':
        return this.#bare(term);
      default:
        return assertNever(term);
    }
  }

  #compare(term: CompareTerm): Test {
    const left = sideOf(this.#scope, term.left);
    const right = sideOf(this.#scope, term.right);
    if (isLiteral(left)) {
      if (!isLiteral(right)) return this.#compareSides(term, MIRRORED[term.op], right, left);
      if (left.kind === 'word') throw unknownName(this.#scope, left.at, left.name);
      throw this.#error(term, 'neither side is a field or a member');
    }
    return this.#compareSides(term, term.op, left, right);
  }

  #compareSides(
    term: CompareTerm,
    op: Comparison,
    left: Exclude<Side, LiteralSide>,
    right: Side,
  ): Test {
    const equality = op === '==' || op === '!=';
    if (left.kind !== 'value' && !equality) {
      const what = left.kind === 'text' ? 'strings have' : 'pointers have';
      throw this.#error(term.opAt, `${what} no order: expected == or !=`);
    }
    switch (left.kind) {
      case 'text':
        return this.#compareText(left, right, op === '!=');
      case 'pointer':
        return this.#comparePointer(left, right, op);
      case 'value':
        break;
      default:
        return assertNever(left);
    }
    if (right.kind === 'value') return this.#compareValues(left, right, op);
    if (!isLiteral(right))
      throw this.#error(right.at, expectedBeside(left), quoteHint(this.#scope, right.at));
    const ranges = literalRanges(this.#scope, left, right);
    const [only] = ranges;
    const { value, signed } = left;
    if (equality && (ranges.length !== 1 || only?.from !== only?.to)) {
      return { kind: 'within', negated: op === '!=', value, ranges, signed };
    }
    if (only === undefined || only.from !== only.to) {
      throw this.#error(term.opAt, 'a function has many addresses: expected == or !=');
    }
    if (equality && left.mask !== undefined && (only.from & ~left.mask) !== 0n) {
      const hint = `the mask is 0x${left.mask.toString(16)}`;
      throw this.#error(right.at, 'has bits outside the mask: it is never equal', hint);
    }
    return {
      kind: 'compare',
      op,
      left: value,
      right: { kind: 'constant', value: only.from, ofRun: only.ofRun },
      signed,
    };
  }

  #compareText(left: TextSide, right: Side, negated: boolean): Test {
    const bytes = literalText(this.#scope, left, right);
    return { kind: 'text', negated, source: left.source, any: [bytes], prefix: false };
  }

  #comparePointer(left: PointerSide, right: Side, op: Comparison): Test {
    if (right.kind !== 'number') {
      const hint = quoteHint(this.#scope, left.at);
      throw this.#error(right.at, 'a pointer is compared with a number', hint);
    }
    const value = literalWithin(this.#scope, right, 0n, (1n << 64n) - 1n);
    return {
      kind: 'compare',
      op,
      left: left.value,
      right: { kind: 'constant', value },
      signed: false,
    };
  }

  #compareValues(left: ValueSide, right: ValueSide, op: Comparison): Test {
    const named = [left, right].find((side) => isDomain(side));
    const other = named === left ? right : left;
    if (named !== undefined && other.origin === 'field' && other.vocabulary !== named.vocabulary) {
      throw this.#error(other.at, expectedBeside(named), quoteHint(this.#scope, other.at));
    }
    const fits = [left, right].every((side) => side.signed || side.bits < 64);
    if (!fits && (left.signed || right.signed)) {
      const why = 'a signed number cannot be compared with an unsigned one of 64 bits';
      throw this.#error(right.at, why);
    }
    return { kind: 'compare', op, left: left.value, right: right.value, signed: fits };
  }

  #within(term: InTerm): Test {
    const left = sideOf(this.#scope, term.left);
    const { negated } = term;
    if (left.kind === 'text') {
      const any = term.members.map(({ from, to }) => {
        if (to !== undefined) throw this.#error(to, 'strings have no ranges');
        return literalText(this.#scope, left, sideOf(this.#scope, from));
      });
      return { kind: 'text', negated, source: left.source, any, prefix: false };
    }
    if (left.kind === 'word') throw unknownName(this.#scope, left.at, left.name);
    if (left.kind !== 'value') throw this.#error(left.at, 'expected a field or a member before in');
    const ranges = term.members.flatMap(({ from, to }) =>
      to === undefined ? this.#member(left, from) : [this.#range(left, from, to)],
    );
    return { kind: 'within', negated, value: left.value, ranges, signed: left.signed };
  }

  #range(left: ValueSide, first: Literal, last: Literal): ValueRange {
    const [begin] = this.#member(left, first);
    const end = this.#member(left, last).at(-1);
    const from = begin?.from ?? 0n;
    const to = end?.to ?? 0n;
    if (from > to) throw this.#error(last, 'the range ends before it begins');
    return { from, to, ofRun: begin?.ofRun === true || end?.ofRun === true };
  }

  #member(left: ValueSide, literal: Literal): readonly ValueRange[] {
    const side = sideOf(this.#scope, literal);
    if (!isLiteral(side))
      throw this.#error(literal, 'expected a number or a name: a set is constant');
    return literalRanges(this.#scope, left, side);
  }

  #prefix(term: PrefixTerm): Test {
    const left = sideOf(this.#scope, term.left);
    if (left.kind === 'word') throw unknownName(this.#scope, left.at, left.name);
    if (left.kind !== 'text') {
      const hint = 'strings are comm, ifname and members that are arrays of char';
      throw this.#error(left.at, '~ takes a string on its left', hint);
    }
    const { bytes } = term.right;
    if (bytes.length === 0) throw this.#error(term.right, 'empty: every string begins so');
    const any = [literalText(this.#scope, left, { kind: 'string', at: term.right, bytes })];
    return { kind: 'text', negated: false, source: left.source, any, prefix: true };
  }

  #bare(term: BareTerm): Test {
    const side = sideOf(this.#scope, term.operand);
    const zero = { kind: 'constant', value: 0n } as const;
    switch (side.kind) {
      case 'pointer':
        return { kind: 'compare', op: '!=', left: side.value, right: zero, signed: false };
      case 'value':
        if (side.origin === 'field' && NO_TRUTH.includes(side.vocabulary)) break;
        return { kind: 'compare', op: '!=', left: side.value, right: zero, signed: side.signed };
      case 'word':
        throw unknownName(this.#scope, side.at, side.name);
      default:
    }
    throw this.#error(side.at, 'no condition by itself', 'compare it: == != < <= > >= in ~');
  }

  #error(at: Span, why: string, hint?: string): Error {
    return whereError(this.#scope.expression, at, why, hint);
  }
}

function isDomain({ vocabulary }: ValueSide): boolean {
  return typeof vocabulary === 'string' && vocabulary !== 'any';
}
