import { hideHostNames, isKeyword } from './host-names.ts';
import type { Token } from './tokenise.ts';
import { tokenise } from './tokenise.ts';

/** Says whether libpcap takes a text as a whole expression. */
export type Accepts = (text: string) => boolean;

/**
 * The place in an expression that libpcap refuses, which libpcap does not tell: the first token
 * after which no text completes the expression, else a bracket that is not closed, else the end of
 * the text. Names in quotes in libpcap's message are looked up in the text.
 *
 * @param message libpcap's message
 * @returns a column in UTF-16 units, from 0; at most the expression's length
 */
export function findCaret(expression: string, message: string, accepts: Accepts): number {
  const tokens = tokenise(expression);
  const named = findNamed(tokens, message);
  if (named !== undefined) return named.start;
  // Host names are hidden, so that looking for the place does not ask the name servers again.
  const texts = hideHostNames(tokens);
  if (accepts(texts.join(' '))) return 0;
  const skipped = skipRight(tokens, texts, accepts);
  const culprit = firstHopeless(tokens.slice(skipped), (count) =>
    isCompletable(texts.slice(skipped, skipped + count), accepts),
  );
  if (culprit !== undefined) return culprit.start;
  return unclosedBracket(tokens, texts, accepts)?.start ?? expression.trimEnd().length;
}

/** The token that a message like `unknown host 'x'` or `invalid IPv4 address '1.2.3.400'` names. */
function findNamed(tokens: readonly Token[], message: string): Token | undefined {
  const name = /^(?:unknown|invalid|'gateway')[^']*'([^']+)'/.exec(`${message} `)?.[1];
  return tokens.find(({ text }) => text === name || text === `\\${name ?? ''}`);
}

/** Expressions longer than this are not looked at from their start. */
const LONG = 40;

/**
 * How many tokens of a long expression are right by themselves: libpcap takes tens of milliseconds
 * for hundreds of terms. Cuts only before a word that begins a term, as a bare address takes its
 * qualifiers from the term before.
 */
function skipRight(tokens: readonly Token[], texts: readonly string[], accepts: Accepts): number {
  if (tokens.length <= LONG) return 0;
  let depth = 0;
  const cuts: number[] = [];
  texts.forEach((text, i) => {
    if (text === '(' || text === '[') depth += 1;
    if (text === ')' || text === ']') depth -= 1;
    if (depth === 0 && isConnective(text) && isKeyword(texts[i + 1] ?? '')) cuts.push(i);
  });
  let good = -1;
  let bad = cuts.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (accepts(texts.slice(0, cuts[middle]).join(' '))) good = middle;
    else bad = middle;
  }
  const cut = cuts[good];
  return cut === undefined ? 0 : cut + 1;
}

const isConnective = (text: string): boolean => ['and', 'or', '&&', '||'].includes(text);

/** The token that makes it hopeless: what holds for n tokens holds for fewer, so halves will do. */
function firstHopeless(
  tokens: readonly Token[],
  completable: (count: number) => boolean,
): Token | undefined {
  let good = 0;
  let bad = tokens.length;
  if (completable(bad)) return undefined;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (completable(middle)) good = middle;
    else bad = middle;
  }
  return tokens[bad - 1];
}

/** What may have to follow a word for the whole to be an expression; together they cover the grammar. */
const COMPLETIONS: readonly string[] = [
  ...[
    '',
    '1',
    'ip',
    '= 1',
    '1 = 1',
    '0.0.0.0',
    'host 0.0.0.0',
    'dst host 0.0.0.0',
    'port 1',
    '1-2',
  ],
  ...['dst port 1', 'proto 1', '::1', 'host ::1', 'net ::/0', 'net 0', 'mask 0.0.0.0', '::/0'],
  ...[
    '255.255.255.255',
    '/ 32',
    '32',
    '128',
    '1:2:3:4:5:6',
    'host 1:2:3:4:5:6',
    'dst host 1:2:3:4:5:6',
  ],
  // Byte 1: libpcap takes the 0 of `/ ip[0]` for a division by zero.
  ...['broadcast', '[1]', '[1] = 1', ': 1', ': 4', 'i'],
];

function isCompletable(texts: readonly string[], accepts: Accepts): boolean {
  const start = texts.join(' ');
  const open = openBrackets(texts);
  for (const completion of COMPLETIONS) {
    for (const tail of closings(open)) {
      if (accepts(`${start} ${completion}${tail}`)) return true;
    }
  }
  return false;
}

function openBrackets(texts: readonly string[]): readonly string[] {
  const open: string[] = [];
  for (const text of texts) {
    if (text === '(' || text === '[') open.push(text);
    if (text === ')' || text === ']') open.pop();
  }
  return open;
}

/**
 * Ways to close brackets. Where arithmetic ends and a comparison is due is not known, so it is tried
 * at every place.
 */
function closings(open: readonly string[]): readonly string[] {
  const closers = open.toReversed().map((bracket) => (bracket === '(' ? ' )' : ' ]'));
  const all = closers.join('');
  if (closers.length === 0) return [''];
  const compared = closers.map((_, i) => {
    const inner = closers.slice(0, i + 1).join('');
    return `${inner} = 1${closers.slice(i + 1).join('')}`;
  });
  return [all, ...compared.slice(0, 8)];
}

/** Where nothing but closing brackets is missing, the innermost open one. */
function unclosedBracket(
  tokens: readonly Token[],
  texts: readonly string[],
  accepts: Accepts,
): Token | undefined {
  const open: Token[] = [];
  for (const token of tokens) {
    if (token.text === '(' || token.text === '[') open.push(token);
    if (token.text === ')' || token.text === ']') open.pop();
  }
  const [closers] = closings(openBrackets(texts));
  return open.length > 0 && accepts(`${texts.join(' ')}${closers ?? ''}`) ? open.at(-1) : undefined;
}
