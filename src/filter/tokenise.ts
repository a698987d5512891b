/** A word, number, address or operator of an expression; positions count UTF-16 units. */
export interface Token {
  readonly kind: 'word' | 'symbol' | 'other';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The longest alternative wins, as in libpcap's scanner (scanner.l): so `4-1` is one name, while
 * `[4:1]` has a colon between two numbers.
 */
const ALTERNATIVES: readonly (readonly [Token['kind'], RegExp])[] = [
  // Escaped name: `\host`.
  ['word', /\\[^ !()\n\t]+/y],
  // MAC addresses and IPv6 addresses.
  ['word', /[0-9a-f]{1,2}(?:[:.-][0-9a-f]{1,2}){5}/iy],
  ['word', /(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{0,4})(?:\.\d+){0,3}/iy],
  // ARCnet address.
  ['word', /\$[0-9a-f]+/iy],
  ['word', /[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?/y],
  ['symbol', /&&|\|\||[=!<>]=|<<|>>|[-()[\]!<>=+*/:&|^%~]/y],
];

/** Splits an expression; white space is left out, and what libpcap has no token for is `other`. */
export function tokenise(expression: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < expression.length) {
    const space = matchAt(/[ \t\r\n]+/y, expression, at);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const token = longest(expression, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function longest(expression: string, start: number): Token {
  let best: Token | undefined;
  for (const [kind, pattern] of ALTERNATIVES) {
    const text = matchAt(pattern, expression, start);
    if (text !== undefined && text.length > (best?.text.length ?? 0)) {
      best = { kind, text, start, end: start + text.length };
    }
  }
  if (best !== undefined) return best;
  const text = String.fromCodePoint(expression.codePointAt(start) ?? 0);
  return { kind: 'other', text, start, end: start + text.length };
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
