import { describe, expect, test } from 'vitest';
import { FilterError } from '../../../src/errors.ts';
import type { Expression, Operand } from '../../../src/where/ast.ts';
import { parseWhere } from '../../../src/where/parse.ts';
import { randomFrom } from '../filter/support/random-program.ts';
import { complaint } from './support/scope.ts';

/** The tree with all brackets that it means; `brackets` go around terms. */
function show(tree: Expression, brackets = '[]'): string {
  const term = (text: string): string => `${brackets.charAt(0)}${text}${brackets.charAt(1)}`;
  switch (tree.kind) {
    case 'and':
    case 'or': {
      const parts = tree.of.map((each) => show(each, brackets));
      return `(${parts.join(tree.kind === 'and' ? ' && ' : ' || ')})`;
    }
    case 'not':
      return `!${show(tree.of, brackets)}`;
    case 'compare':
      return term(`${showOperand(tree.left)} ${tree.op} ${showOperand(tree.right)}`);
    case 'prefix':
      return term(`${showOperand(tree.left)} ~ ${showOperand(tree.right)}`);
    case 'bare':
      return term(showOperand(tree.operand));
    case 'in': {
      const members = tree.members.map(({ from, to }) =>
        to === undefined ? showOperand(from) : `${showOperand(from)}..${showOperand(to)}`,
      );
      const negated = tree.negated ? 'not ' : '';
      return term(`${showOperand(tree.left)} ${negated}in {${members.join(', ')}}`);
    }
  }
}

function showString(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes).replaceAll(/["\\]/g, '\\$&');
  return `"${text.replaceAll(/[\x01-\x1f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`;
}

function showOperand(operand: Operand): string {
  switch (operand.kind) {
    case 'number':
      return String(operand.value);
    case 'string':
      return showString(operand.bytes);
    case 'path':
      return operand.steps
        .map((step, i) =>
          step.kind === 'index' ? `[${step.index}]` : `${i ? '.' : ''}${step.name}`,
        )
        .join('');
    case 'swap':
      return `ntoh${operand.bits === 16 ? 's' : 'l'}(${showOperand(operand.of)})`;
    case 'mask':
      return `(${showOperand(operand.left)} & ${showOperand(operand.right)})`;
  }
}

describe('parseWhere()', () => {
  test.each([
    ['a == 1', '[a == 1]'],
    ['a', '[a]'],
    ['skb.dev.mtu >= 1500', '[skb.dev.mtu >= 1500]'],
    ['skb.cb[3] != -1', '[skb.cb[3] != -1]'],
    // Precedence: & before comparisons, unlike C; then !, &&, ||.
    ['a & 0xff == 3', '[(a & 255) == 3]'],
    ['3 == a & 0xff', '[3 == (a & 255)]'],
    ['a & b & c', '[((a & b) & c)]'],
    ['a == 1 && b == 2 || c == 3 && d == 4', '(([a == 1] && [b == 2]) || ([c == 3] && [d == 4]))'],
    ['a == 1 && (b == 2 || c == 3) && d == 4', '([a == 1] && ([b == 2] || [c == 3]) && [d == 4])'],
    ['!a == 1 && b', '(![a == 1] && [b])'],
    ['!(a && b)', '!([a] && [b])'],
    ['!!a', '!![a]'],
    ['a and not b or c', '(([a] && ![b]) || [c])'],
    // Brackets around conditions and around operands.
    ['((a))', '[a]'],
    ['(a & 3) == 1', '[(a & 3) == 1]'],
    ['((a & 3)) == (b)', '[(a & 3) == b]'],
    ['(a) & 3 == 1', '[(a & 3) == 1]'],
    ['(a) in 1..2', '[a in {1..2}]'],
    ['(a) ~ "x"', '[a ~ "x"]'],
    ['(a == 1)', '[a == 1]'],
    // Sets and strings.
    ['a in 10..20', '[a in {10..20}]'],
    ['a in -5..-1', '[a in {-5..-1}]'],
    ['a in {1, 2..3, NAME, "s"}', '[a in {1, 2..3, NAME, "s"}]'],
    ['a not in {1}', '[a not in {1}]'],
    ['a !in 1..2', '[a not in {1..2}]'],
    ['not a in {1}', '![a in {1}]'],
    ['a ~ "cu" && b', '([a ~ "cu"] && [b])'],
    [`"curl" == 'curl'`, '["curl" == "curl"]'],
    ['ntohs(sk.x) == 80', '[ntohs(sk.x) == 80]'],
    ['ntohl (a.b) & 0xff000000 == 0x0a000000', '[(ntohl(a.b) & 4278190080) == 167772160]'],
    // Words are words of the language only where they can be.
    ['ntohs == 3', '[ntohs == 3]'],
    ['inner == order', '[inner == order]'],
    ['a.in2 == 3', '[a.in2 == 3]'],
    [
      'reason == NETFILTER_DROP && netns != self && (comm == "curl" || pid in 10..20) && skb.mark & 0xff == 3',
      '([reason == NETFILTER_DROP] && [netns != self] && ([comm == "curl"] || [pid in {10..20}]) && [(skb.mark & 255) == 3])',
    ],
  ])('reads %s', (text, expected) => {
    expect(show(parseWhere(text))).toBe(expected);
  });

  test.each([
    ['', '', 'its end: empty'],
    ['  ', '  ', 'its end: empty'],
    ['a ==', '', 'its end: expected a field, a number or a string'],
    ['a == == 3', '== 3', '==: expected a field, a number or a string'],
    ['a b', 'b', 'b: expected &&, || or the end'],
    ['a == 3 b', 'b', 'b: expected &&, || or the end'],
    ['(a == 3', '', 'its end: expected &&, || or )'],
    ['a == 3)', ')', '): expected &&, || or the end'],
    ['a == (3', '', 'its end: expected & or )'],
    ['a == (b == c)', '== c)', '==: expected & or )'],
    ['&& a', '&& a', '&&: expected a field, a number or a string'],
    ['a &&', '', 'its end: expected a field, a number or a string'],
    ['a and and b', 'and b', 'and: expected a field, a number or a string'],
    ['a == in', 'in', 'in: expected a field, a number or a string'],
    ['a < b < c', '< c', '<: a second comparison in one term'],
    ['pid == 3 & comm == "x"', '== "x"', '==: a second comparison in one term'],
    ['(a == 1) == 2', '== 2', '==: what stands in the brackets is no value'],
    ['(a || b) & 3', '& 3', '&: what stands in the brackets is no value'],
    ['a in 10', '', 'its end: expected .. and the end of the range'],
    ['a in 10, 20', ', 20', ',: expected .. and the end of the range'],
    ['a in (1, 2)', '(1, 2)', '(: expected a range as 10..20, or a set as {1, 2}'],
    ['a in {}', '}', '}: expected a number, a name or a string'],
    ['a in {1 2}', '2}', '2: expected , or }'],
    ['a in {1,}', '}', '}: expected a number, a name or a string'],
    ['a in {1, 2', '', 'its end: expected , or }'],
    ['a ~ b', 'b', 'b: expected a string in quotes'],
    ['a == - b', 'b', 'b: expected a number'],
    ['skb. == 3', '== 3', '==: expected a name'],
    ['skb.3 == 3', '3 == 3', '3: expected a name'],
    ['skb.cb[x] == 3', 'x] == 3', 'x: expected a number'],
    ['skb.cb[1 == 3', '== 3', '==: expected ]'],
    ['ntohs(a == 80', '== 80', '==: expected )'],
  ])('refuses %s', (text, at, why) => {
    expect(complaint(text, () => parseWhere(text))).toMatchObject({ at, why });
  });

  test.each([
    ['levels', `${'('.repeat(65)}a`, '(a', '(: nested more than 64 levels deep'],
    ['negations', '!'.repeat(65), '!', '!: nested more than 64 levels deep'],
    ['terms', `${'a && '.repeat(64)}a`, 'a', 'a: more than 64 terms'],
    ['members', `a in {${'1,'.repeat(256)}2}`, '2}', '2: more than 256 members in one set'],
  ])('refuses too many %s', (_, text, at, why) => {
    expect(complaint(text, () => parseWhere(text))).toMatchObject({ at, why });
  });

  test('64 terms and 64 levels are taken', () => {
    expect(() => parseWhere(`${'a && '.repeat(63)}a`)).not.toThrow();
    expect(() => parseWhere(`${'('.repeat(64)}a${')'.repeat(64)}`)).not.toThrow();
  });

  test('an error names at most 60 characters, control characters escaped', () => {
    const text = `a == "\x1b[2J${'x'.repeat(100)}`;
    const { why } = complaint(text, () => parseWhere(text));
    expect(why).toContain('\\x1b');
    expect(why.length).toBeLessThan(120);
  });
});

const SEED = Number(process.env['XCAP_FUZZ_SEED'] ?? 20261121);
const PIECES = [
  ...['&&', '||', '!', '==', '!=', '<', '<=', '>', '>=', '&', '~', '(', ')', '{', '}', '[', ']'],
  ...[',', '.', '..', '-', ' ', '=', '|', '*', '\\', '"', "'", '\n', '\0', '💥', '\ud800'],
  ...['and', 'or', 'not', 'in', 'ntohs', 'ntohl', 'skb', 'dev', 'mark', 'comm', 'x', '__proto__'],
  ...['0', '1', '0x', '0xff', '07', '99999999999999999999', '"curl"', "'a'", '10..20', '{1, 2}'],
];

test(`parseWhere() gives a tree or a FilterError inside the text, whatever it is given (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  let trees = 0;
  for (let round = 0; round < 10_000; round++) {
    const pieces = Array.from({ length: 1 + random(12) }, () => PIECES[random(PIECES.length)]!);
    const text = pieces.join(random(2) === 0 ? ' ' : '');
    try {
      const tree = parseWhere(text);
      trees++;
      // What it understood, written out, means the same again.
      expect(show(parseWhere(show(tree, '()'))), text).toBe(show(tree));
    } catch (error) {
      if (!(error instanceof FilterError))
        throw new Error(`${JSON.stringify(text)}: ${String(error)}`);
      expect(error.column).toBeGreaterThanOrEqual(0);
      expect(error.column).toBeLessThanOrEqual(text.length);
      expect(error.message).not.toMatch(/[\n\0]/);
    }
  }
  expect(trees).toBeGreaterThan(100);
}, 30_000);
