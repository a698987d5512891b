import { isKeyword } from './host-names.ts';
import type { Token } from './tokenise.ts';

/** A term of an expression, or what stands between terms: a bracket, `not`, `and`, `or`. */
export type Part =
  | { readonly kind: 'term'; readonly words: readonly string[] }
  | { readonly kind: 'glue'; readonly text: string };

const CONNECTIVES: ReadonlySet<string> = new Set(['and', 'or', '&&', '||']);
const OPERATORS: ReadonlySet<string> = new Set([
  ...['=', '==', '!=', '<', '>', '<=', '>=', '+', '-', '*', '/', '%', '&', '|', '^', '<<', '>>'],
]);
const DIRECTIONS: ReadonlySet<string> = new Set(['src', 'dst']);

/** The terms of an expression, each with all its qualifiers. */
export interface Parts {
  readonly parts: readonly Part[];
  /** A term takes its qualifiers from one that is not simply the one before it. */
  readonly doubtful: boolean;
}

/** Of `host A or B` the terms are `host A` and `host B`. */
export function splitParts(tokens: readonly Token[]): Parts {
  let qualifiers: readonly string[] = [];
  let doubtful = false;
  const given = split(tokens.map(({ text }) => text));
  const parts = given.map((part, i): Part => {
    if (part.kind === 'glue') return part;
    const bare =
      !isKeyword(part.words[0] ?? '') &&
      !part.words.some((word) => OPERATORS.has(word) && word !== '/');
    if (!bare) {
      qualifiers = headOf(part.words);
      return part;
    }
    const before = given.slice(0, i).findLast((each) => each.kind === 'term' || each.text === ')');
    if (before?.kind !== 'term' || before.words.includes('(')) doubtful = true;
    return { kind: 'term', words: [...qualifiers, ...part.words] };
  });
  return { parts, doubtful };
}

/** The qualifiers before what a term names. */
function headOf(words: readonly string[]): readonly string[] {
  const end = words.findIndex((word) => !isKeyword(word) || word === '(');
  return end < 0 ? [] : words.slice(0, end);
}

function split(words: readonly string[]): readonly Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? '';
    const glue =
      CONNECTIVES.has(word) ||
      ['not', '!', ')'].includes(word) ||
      (word === '(' && !isArithmetic(words, at));
    const end = glue ? at + 1 : endOfTerm(words, at);
    parts.push(glue ? { kind: 'glue', text: word } : { kind: 'term', words: words.slice(at, end) });
    at = end;
  }
  return parts;
}

/** Whether a bracket opens a number and not an expression: an operator follows it. */
const isArithmetic = (words: readonly string[], at: number): boolean =>
  OPERATORS.has(words[closing(words, at) + 1] ?? '');

function closing(words: readonly string[], from: number): number {
  let depth = 0;
  for (let at = from; at < words.length; at += 1) {
    if (words[at] === '(' || words[at] === '[') depth += 1;
    if (words[at] === ')' || words[at] === ']') depth -= 1;
    if (depth === 0) return at;
  }
  return words.length;
}

/** A term ends before a connective or a bracket that it did not open; `src or dst` is one qualifier. */
function endOfTerm(words: readonly string[], from: number): number {
  let at = from;
  while (at < words.length) {
    const word = words[at] ?? '';
    if (word === ')') break;
    if (word === '(' || word === '[') at = closing(words, at);
    else if (CONNECTIVES.has(word)) {
      const [before = '', after = ''] = [words[at - 1], words[at + 1]];
      if (at === from || !DIRECTIONS.has(before) || !DIRECTIONS.has(after)) break;
    }
    at += 1;
  }
  return Math.max(at, from + 1);
}
