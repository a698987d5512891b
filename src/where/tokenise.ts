import { type Span, whereError } from './where-error.ts';

interface TokenBase extends Span {
  /** As written. */
  readonly text: string;
}
export interface NameToken extends TokenBase {
  readonly kind: 'name';
}
export interface NumberToken extends TokenBase {
  readonly kind: 'number';
  readonly value: bigint;
}
/** A string in quotes: its bytes, escapes done. */
export interface StringToken extends TokenBase {
  readonly kind: 'string';
  readonly bytes: Uint8Array;
}
/** An operator or bracket; `end` is the end of the text. */
export interface MarkToken extends TokenBase {
  readonly kind: 'mark' | 'end';
}
export type WhereToken = NameToken | NumberToken | StringToken | MarkToken;

const MARKS = '&& || == != <= >= .. < > ! & ~ ( ) { } [ ] , . -'.split(' ');
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
/** Letters too, so that `10abc` is one wrong number and not two tokens. */
const NUMBER = /[0-9][0-9A-Za-z_]*/y;
const MAX = (1n << 64n) - 1n;

/** What a person used to other languages may write. */
const FOREIGN: readonly (readonly [text: string, instead: string])[] = [
  ['===', 'write =='],
  ['=', 'write == to compare'],
  ['|', 'write || or the word or'],
  ['^', 'there is no such operator: & masks bits'],
  ['+', 'there is no arithmetic: & masks bits'],
  ['*', 'there is no arithmetic; a prefix is tested by NAME ~ "text"'],
  ['/', 'there is no arithmetic: a mask is written NAME & MASK'],
];

/** The tokens of one --where, the last one of kind `end`. @throws FilterError */
export function tokeniseWhere(expression: string): readonly WhereToken[] {
  const tokens: WhereToken[] = [];
  const match = (pattern: RegExp, at: number): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(expression)?.[0];
  };
  for (let at = 0; at < expression.length;) {
    if (/\s/.test(expression.charAt(at))) {
      at++;
      continue;
    }
    const token = readToken(expression, at, match);
    tokens.push(token);
    at = token.end;
  }
  const end = expression.trimEnd().length;
  tokens.push({ kind: 'end', text: '', start: end, end });
  return tokens;
}

function readToken(
  expression: string,
  start: number,
  match: (pattern: RegExp, at: number) => string | undefined,
): WhereToken {
  const name = match(NAME, start);
  if (name !== undefined) return { kind: 'name', text: name, start, end: start + name.length };
  const number = match(NUMBER, start);
  if (number !== undefined) return readNumber(expression, start, number);
  const quote = expression.charAt(start);
  if (quote === '"' || quote === "'") return readString(expression, start, quote);
  const foreign = FOREIGN.find(([text]) => expression.startsWith(text, start));
  const mark = MARKS.find((each) => expression.startsWith(each, start));
  // `||` begins with what is wrong alone.
  if (mark !== undefined && mark.length > (foreign?.[0].length ?? 0)) {
    return { kind: 'mark', text: mark, start, end: start + mark.length };
  }
  const end =
    start + (foreign?.[0].length ?? String.fromCodePoint(codeAt(expression, start)).length);
  throw whereError(expression, { start, end }, 'no operator of this language', foreign?.[1]);
}

function codeAt(text: string, at: number): number {
  return text.codePointAt(at) ?? 0;
}

function readNumber(expression: string, start: number, text: string): NumberToken {
  const span = { start, end: start + text.length };
  if (!/^(0|[1-9][0-9]*|0[xX][0-9a-fA-F]+)$/.test(text)) {
    const octal = /^0[0-7]+$/.test(text);
    const hint = octal
      ? `decimal ${BigInt(text)} or hexadecimal 0x${BigInt(`0o${text.slice(1)}`).toString(16)}`
      : 'decimal as 16, hexadecimal as 0x10; names with a digit in front go in quotes';
    throw whereError(expression, span, octal ? 'octal or decimal?' : 'not a number', hint);
  }
  const value = BigInt(text);
  if (value > MAX) throw whereError(expression, span, 'more than 64 bits');
  return { kind: 'number', text, value, ...span };
}

/** `\"`, `\'`, `\\` and `\xNN`, as names are escaped in the outputs. */
function readString(expression: string, start: number, quote: string): StringToken {
  const parts: number[] = [];
  const encoder = new TextEncoder();
  for (let at = start + 1; at < expression.length;) {
    const char = String.fromCodePoint(codeAt(expression, at));
    if (char === quote) {
      const end = at + 1;
      const text = expression.slice(start, end);
      return { kind: 'string', text, bytes: Uint8Array.from(parts), start, end };
    }
    const escaped = /^\\(?:([\\"'])|x([0-9a-fA-F]{2}))/.exec(expression.slice(at, at + 4));
    if (char === '\\' && escaped === null) {
      const hint = 'a backslash is written \\\\, a quote \\", a byte \\x0a';
      throw whereError(expression, { start: at, end: at + 2 }, 'no such escape', hint);
    }
    const bytes =
      escaped === null
        ? encoder.encode(char)
        : escaped[2] === undefined
          ? encoder.encode(escaped[1])
          : [parseInt(escaped[2], 16)];
    const length = escaped?.[0].length ?? char.length;
    if (bytes.includes(0)) {
      const why = 'no name of the kernel holds a zero byte';
      throw whereError(expression, { start: at, end: at + length }, why);
    }
    parts.push(...bytes);
    at += length;
  }
  const why = 'the string has no end';
  throw whereError(expression, { start, end: expression.length }, why, `expected ${quote}`);
}
