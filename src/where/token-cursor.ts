import { tokeniseWhere, type WhereToken } from './tokenise.ts';
import { type Span, whereError } from './where-error.ts';

/** Words that are operators. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['and', '&&'],
  ['or', '||'],
  ['not', '!'],
  ['in', 'in'],
]);

/** A place among the tokens of one --where. */
export class TokenCursor {
  readonly #expression: string;
  readonly #tokens: readonly WhereToken[];
  #at = 0;

  constructor(expression: string) {
    this.#expression = expression;
    this.#tokens = tokeniseWhere(expression);
  }

  get next(): WhereToken {
    // The last token is the end, which nothing takes.
    const token = this.#tokens[this.#at] ?? this.#tokens.at(-1);
    if (token === undefined) throw new RangeError('no tokens');
    return token;
  }

  /** The token behind the next one. */
  get after(): WhereToken | undefined {
    return this.#tokens[this.#at + 1];
  }

  /** The next operator, words as the marks that they stand for. */
  get mark(): string | undefined {
    const token = this.next;
    if (token.kind === 'mark') return token.text;
    return token.kind === 'name' ? WORDS.get(token.text) : undefined;
  }

  /** Where the token before ends. */
  get end(): number {
    return this.#tokens[this.#at - 1]?.end ?? 0;
  }

  atEnd(): boolean {
    return this.next.kind === 'end';
  }

  skip(): void {
    this.#at++;
  }

  take(mark: string): WhereToken | undefined {
    if (this.mark !== mark) return undefined;
    const token = this.next;
    this.#at++;
    return token;
  }

  expect(mark: string, expected: string): void {
    if (this.take(mark) === undefined) throw this.unexpected(expected);
  }

  unexpected(expected: string): Error {
    return this.error(this.next, `expected ${expected}`);
  }

  error(at: Span, why: string, hint?: string): Error {
    return whereError(this.#expression, at, why, hint);
  }
}
