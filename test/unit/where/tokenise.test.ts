import { describe, expect, test } from 'vitest';
import { tokeniseWhere } from '../../../src/where/tokenise.ts';
import { complaint } from './support/scope.ts';

describe('tokeniseWhere()', () => {
  test.each([
    ['a==b', ['a', '==', 'b']],
    ['a.b..c', ['a', '.', 'b', '..', 'c']],
    ['10..20', ['10', '..', '20']],
    ['a&&b&c||!d', ['a', '&&', 'b', '&', 'c', '||', '!', 'd']],
    ['x<=1>=2<3>4!=5', ['x', '<=', '1', '>=', '2', '<', '3', '>', '4', '!=', '5']],
    ['cb[3] in{1,2}~', ['cb', '[', '3', ']', 'in', '{', '1', ',', '2', '}', '~']],
    [' \t\n x \n', ['x']],
  ])('splits %j', (text, expected) => {
    const tokens = tokeniseWhere(text);
    expect(tokens.slice(0, -1).map((token) => token.text)).toEqual(expected);
    expect(tokens.at(-1)?.kind).toBe('end');
    for (const token of tokens) expect(text.slice(token.start, token.end)).toBe(token.text);
  });

  test.each([
    ['0', 0n],
    ['255', 255n],
    ['0xFf', 255n],
    ['0X10', 16n],
    ['18446744073709551615', 0xffffffffffffffffn],
  ])('reads %s', (text, value) => {
    expect(tokeniseWhere(text)[0]).toMatchObject({ kind: 'number', value });
  });

  test.each([
    [`"curl"`, 'curl'],
    [`'a "b"'`, 'a "b"'],
    [`"a\\"b\\\\c\\'"`, `a"b\\c'`],
    [`"\\x41\\x1b"`, 'A\x1b'],
    [`"é€"`, 'é€'],
    [`""`, ''],
  ])('reads the string %s', (text, expected) => {
    const [token] = tokeniseWhere(text);
    expect(token?.kind === 'string' && new TextDecoder().decode(token.bytes)).toBe(expected);
  });

  test.each([
    ['a = 3', '= 3', '=: no operator of this language', 'write == to compare'],
    ['a === 3', '=== 3', '===: no operator of this language', 'write =='],
    ['a | b', '| b', '|: no operator of this language', 'write || or the word or'],
    ['a == b * 2', '* 2', '*: no operator of this language', /prefix/],
    ['mark/0xff', '/0xff', '/: no operator of this language', /mask/],
    ['a == 💥', '💥', '💥: no operator of this language', undefined],
    ['a == 010', '010', '010: octal or decimal?', 'decimal 10 or hexadecimal 0x8'],
    ['a == 0x', '0x', '0x: not a number', /hexadecimal/],
    ['a == 10abc', '10abc', '10abc: not a number', /quotes/],
    ['a == 18446744073709551616', '18446744073709551616', /more than 64 bits/, undefined],
    ['a == "b', '"b', '"b: the string has no end', 'expected "'],
    ['a == "b\\n"', '\\n"', '\\\\n: no such escape', /backslash/],
    ['a == "\\x00"', '\\x00"', /zero byte/, undefined],
  ])('refuses %s', (text, at, why, hint) => {
    const found = complaint(text, () => tokeniseWhere(text));
    expect(found.at).toBe(at);
    expect(found.why).toMatch(why);
    if (hint === undefined) expect(found.hint).toBeUndefined();
    else expect(found.hint).toMatch(hint);
  });
});
