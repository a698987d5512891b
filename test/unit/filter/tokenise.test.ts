import { expect, test } from 'vitest';
import { tokenise } from '../../../src/filter/tokenise.ts';
import { EXPRESSIONS } from './support/expressions.ts';

const texts = (expression: string): readonly string[] =>
  tokenise(expression).map(({ text }) => text);

test.each([
  ['tcp[13]==2', ['tcp', '[', '13', ']', '==', '2']],
  [
    'tcp[tcp[12]>>2&0x3c:4]',
    ['tcp', '[', 'tcp', '[', '12', ']', '>>', '2', '&', '0x3c', ':', '4', ']'],
  ],
  ['ether host 00:11:22:33:44:55', ['ether', 'host', '00:11:22:33:44:55']],
  ['net 2001:db8::/32&&!tcp', ['net', '2001:db8::', '/', '32', '&&', '!', 'tcp']],
  ['host ::ffff:1.2.3.4', ['host', '::ffff:1.2.3.4']],
  ['net 10.0.0.0/8||(arp)', ['net', '10.0.0.0', '/', '8', '||', '(', 'arp', ')']],
  ['ether proto \\arp', ['ether', 'proto', '\\arp']],
  ['portrange 1-2', ['portrange', '1-2']],
  ['icmp[icmptype]!=icmp-echo', ['icmp', '[', 'icmptype', ']', '!=', 'icmp-echo']],
  ['tcp é#', ['tcp', 'é', '#']],
  ['  \t\n ', []],
])('tokenise() splits %j', (expression, expected) => {
  expect(texts(expression)).toEqual(expected);
});

test('tokenise() tells where each token stands, and loses nothing but white space', () => {
  for (const expression of EXPRESSIONS) {
    const tokens = tokenise(expression);
    for (const { text, start, end } of tokens) expect(expression.slice(start, end)).toBe(text);
    expect(tokens.map(({ text }) => text).join('')).toBe(expression.replace(/\s+/g, ''));
    expect(tokens.some(({ kind }) => kind === 'other')).toBe(false);
  }
});
