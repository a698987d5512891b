import {
  COMPARISONS,
  type Comparison,
  type Expression,
  type InTerm,
  type Literal,
  type NameStep,
  type NumberOperand,
  type Operand,
  type PathOperand,
  type PathStep,
  type SetMember,
  type SwapOperand,
  type Term,
} from './ast.ts';
import { TokenCursor } from './token-cursor.ts';
import type { Span } from './where-error.ts';

/** Deeper nesting than any person writes; the parser calls itself for each level. */
const MAX_DEPTH = 64;
/** Each term is a function in the program. */
const MAX_TERMS = 64;
const MAX_MEMBERS = 256;

const SWAPS: ReadonlyMap<string, 16 | 32> = new Map([
  ['ntohs', 16],
  ['ntohl', 32],
]);

/** One --where as a tree. The grammar is in docs/where.md. @throws FilterError */
export function parseWhere(expression: string): Expression {
  return new Parser(expression).parse();
}

class Parser {
  readonly #cursor: TokenCursor;
  #depth = 0;
  #terms = 0;

  constructor(expression: string) {
    this.#cursor = new TokenCursor(expression);
  }

  parse(): Expression {
    if (this.#cursor.atEnd())
      throw this.#cursor.error(this.#cursor.next, 'empty', 'for example mark == 3');
    const tree = this.#junction('or');
    if (!this.#cursor.atEnd()) throw this.#cursor.unexpected('&&, || or the end');
    return tree;
  }

  #junction(kind: 'or' | 'and'): Expression {
    const mark = kind === 'or' ? '||' : '&&';
    const of: Expression[] = [];
    do of.push(kind === 'or' ? this.#junction('and') : this.#condition());
    while (this.#cursor.take(mark) !== undefined);
    const [only] = of;
    return of.length === 1 && only !== undefined ? only : { kind, of };
  }

  #condition(): Expression {
    const not = this.#cursor.take('!');
    if (not === undefined) return this.#comparison();
    return this.#nested(not, () => ({ kind: 'not', of: this.#condition() }));
  }

  /** Brackets hold a condition, or an operand when an operator follows: `(skb.mark & 3) == 1`. */
  #comparison(): Expression {
    const open = this.#cursor.take('(');
    if (open === undefined) return this.#term(this.#operand());
    const inner = this.#nested(open, () => this.#junction('or'));
    this.#cursor.expect(')', '&&, || or )');
    if (!this.#continuesOperand()) return inner;
    if (inner.kind !== 'bare') {
      throw this.#cursor.error(
        this.#cursor.next,
        'what stands in the brackets is no value',
        'expected && or ||',
      );
    }
    this.#terms--;
    return this.#term(this.#masks(inner.operand));
  }

  #continuesOperand(): boolean {
    const mark = this.#cursor.mark;
    return mark === '&' || mark === '~' || this.#isIn() || isComparison(mark);
  }

  #isIn(): boolean {
    if (this.#cursor.mark === 'in') return true;
    return this.#cursor.mark === '!' && this.#cursor.after?.text === 'in';
  }

  #term(left: Operand): Term {
    if (++this.#terms > MAX_TERMS) {
      throw this.#cursor.error(
        left,
        `more than ${MAX_TERMS} terms`,
        'a set holds many: pid in {1, 2}',
      );
    }
    const term = this.#tail(left);
    if (isComparison(this.#cursor.mark) || this.#cursor.mark === '~' || this.#isIn()) {
      const hint = 'join comparisons by &&; a single & masks bits';
      throw this.#cursor.error(this.#cursor.next, 'a second comparison in one term', hint);
    }
    return term;
  }

  #tail(left: Operand): Term {
    const { start } = left;
    const opAt = this.#cursor.next;
    const mark = this.#cursor.mark;
    if (isComparison(mark)) {
      this.#cursor.skip();
      const right = this.#operand();
      return { kind: 'compare', op: mark, opAt, left, right, start, end: right.end };
    }
    if (this.#isIn()) {
      const negated = this.#cursor.take('!') !== undefined;
      this.#cursor.skip();
      const members = this.#set();
      return { kind: 'in', negated, left, members, start, end: this.#cursor.end } satisfies InTerm;
    }
    if (this.#cursor.take('~') !== undefined) {
      const token = this.#cursor.next;
      if (token.kind !== 'string') throw this.#cursor.unexpected('a string in quotes');
      this.#cursor.skip();
      const { bytes, start: from, end } = token;
      const right = { kind: 'string' as const, bytes, start: from, end };
      return { kind: 'prefix', left, opAt, right, start, end };
    }
    return { kind: 'bare', operand: left, start, end: left.end };
  }

  #operand(): Operand {
    return this.#masks(this.#value());
  }

  #masks(first: Operand): Operand {
    let left = first;
    let masks = 0;
    while (this.#cursor.take('&') !== undefined) {
      if (++masks > MAX_DEPTH) throw this.#cursor.error(left, `more than ${MAX_DEPTH} masks`);
      const right = this.#value();
      left = { kind: 'mask', left, right, start: left.start, end: right.end };
    }
    return left;
  }

  #value(): Operand {
    const open = this.#cursor.take('(');
    if (open !== undefined) {
      const inner = this.#nested(open, () => this.#operand());
      this.#cursor.expect(')', '& or )');
      return inner;
    }
    const bits = SWAPS.get(this.#cursor.next.text);
    if (bits !== undefined && this.#cursor.after?.text === '(') return this.#swap(bits);
    return this.#literal('a field, a number or a string');
  }

  #swap(bits: 16 | 32): SwapOperand {
    const { start } = this.#cursor.next;
    this.#cursor.skip();
    this.#cursor.skip();
    const of = this.#nested(this.#cursor.next, () => this.#operand());
    this.#cursor.expect(')', ')');
    return { kind: 'swap', bits, of, start, end: this.#cursor.end };
  }

  #literal(expected: string): Literal {
    const token = this.#cursor.next;
    const minus = this.#cursor.take('-');
    if (minus !== undefined) {
      const number = this.#cursor.next;
      if (number.kind !== 'number') throw this.#cursor.unexpected('a number');
      this.#cursor.skip();
      return { kind: 'number', value: -number.value, start: minus.start, end: number.end };
    }
    switch (token.kind) {
      case 'number': {
        this.#cursor.skip();
        const { value, start, end } = token;
        return { kind: 'number', value, start, end } satisfies NumberOperand;
      }
      case 'string': {
        this.#cursor.skip();
        const { bytes, start, end } = token;
        return { kind: 'string', bytes, start, end };
      }
      case 'name':
        if (this.#cursor.mark === undefined) return this.#path();
        break;
      default:
    }
    throw this.#cursor.unexpected(expected);
  }

  #path(): PathOperand {
    const steps: [NameStep, ...PathStep[]] = [this.#name()];
    for (;;) {
      if (this.#cursor.take('.') !== undefined) {
        steps.push(this.#name());
      } else if (this.#cursor.mark === '[') {
        const { start } = this.#cursor.next;
        this.#cursor.skip();
        const token = this.#cursor.next;
        if (token.kind !== 'number') throw this.#cursor.unexpected('a number');
        this.#cursor.skip();
        this.#cursor.expect(']', ']');
        // What does not fit a double exactly is out of any array's range too.
        steps.push({ kind: 'index', index: Number(token.value), start, end: this.#cursor.end });
      } else {
        return { kind: 'path', steps, start: steps[0].start, end: this.#cursor.end };
      }
    }
  }

  #name(): NameStep {
    const token = this.#cursor.next;
    if (token.kind !== 'name') throw this.#cursor.unexpected('a name');
    this.#cursor.skip();
    return { kind: 'name', name: token.text, start: token.start, end: token.end };
  }

  #set(): readonly SetMember[] {
    if (this.#cursor.take('{') === undefined) {
      const from = this.#literal('a range as 10..20, or a set as {1, 2}');
      this.#cursor.expect('..', '.. and the end of the range');
      return [{ from, to: this.#literal('the end of the range') }];
    }
    const members: SetMember[] = [];
    do {
      const from = this.#literal('a number, a name or a string');
      const ranged = this.#cursor.take('..') !== undefined;
      members.push({ from, to: ranged ? this.#literal('the end of the range') : undefined });
      if (members.length > MAX_MEMBERS) {
        throw this.#cursor.error(from, `more than ${MAX_MEMBERS} members in one set`);
      }
    } while (this.#cursor.take(',') !== undefined);
    this.#cursor.expect('}', ', or }');
    return members;
  }

  #nested<T>(at: Span, parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) {
      throw this.#cursor.error(at, `nested more than ${MAX_DEPTH} levels deep`);
    }
    const result = parse();
    this.#depth--;
    return result;
  }
}

function isComparison(mark: string | undefined): mark is Comparison {
  return COMPARISONS.some((each) => each === mark);
}
