import { expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import { findCaret } from '../../../src/filter/caret.ts';
import { tokenise } from '../../../src/filter/tokenise.ts';
import { EXPRESSIONS } from './support/expressions.ts';

const pcap = openLibpcap();
const accepts = (text: string): boolean =>
  'program' in pcap.compile(text, { linkType: 1, snaplen: 262144, optimize: false });

function caretOf(expression: string): number {
  const result = pcap.compile(expression, { linkType: 1, snaplen: 262144, optimize: true });
  if ('program' in result) throw new Error(`libpcap takes ${expression}`);
  return findCaret(expression, result.error, accepts);
}

// The second line of each has the caret.
test.each([
  ['tcp and and port 80', '        ^'],
  ['tcp port 80 udp', '            ^'],
  ['and', '^'],
  ['foo', '^'],
  ['tcp)', '   ^'],
  ['tcp and ()', '         ^'],
  ['tcp[13]] = 2', '       ^'],
  ['tcp # x', '    ^'],
  ['tcp and é', '        ^'],
  ['greater x', '        ^'],
  ['vlan x', '     ^'],
  ['tcp == 3', '    ^'],
  ['tcp[:2] = 1', '    ^'],
  ['mask 255.0.0.0', '^'],
  // Values
  ['tcp port 99999', '         ^'],
  ['vlan 99999', '     ^'],
  ['mpls 9999999', '     ^'],
  ['ip[0] / 0 = 1', '        ^'],
  ['ip[0] << 40 = 1', '         ^'],
  ['tcp[1:3] = 1', '      ^'],
  ['net 1.2.3.4/8', '            ^'],
  ['ip6 net ::1/200', '            ^'],
  ['ip host 300.1.1.1', '        ^'],
  ['tcp and host 300.1.1.1 and udp', '             ^'],
  // Names
  ['ether host zz', '           ^'],
  ['port nosuchservice', '     ^'],
  ['tcp port http and udp port nosuchservice', '                           ^'],
  ['ip proto nosuch', '         ^'],
  ['ether proto nosuch', '            ^'],
  ['llc foo', '    ^'],
  // Words that Ethernet has no meaning for
  ['wlan type mgt', '     ^'],
  ['tcp and wlan addr1 1:2:3:4:5:6', '             ^'],
  ['gateway foo', '^'],
  // The end of the text
  ['port', '    ^'],
  ['host', '    ^'],
  ['not', '   ^'],
  ['tcp or  ', '      ^'],
  ['src or', '      ^'],
  ['len', '   ^'],
  ['1', ' ^'],
  ['ip proto', '        ^'],
  ['icmp[', '     ^'],
  ['tcp[13', '      ^'],
  ['tcp[13]', '       ^'],
  ['tcp[13] &', '         ^'],
  ['tcp[13] & 2', '           ^'],
  ['portrange 5-', '           ^'],
  // Brackets
  ['(tcp', '^'],
  ['(tcp and (udp or icmp)', '^'],
  ['tcp and (udp or (icmp', '                ^'],
  // The whole
  ['tcp and udp', '^'],
])('findCaret() points at the fault of `%s`', (expression, line) => {
  expect(`${' '.repeat(caretOf(expression))}^`).toBe(line);
});

test('findCaret() finds the place in a long expression with few questions', () => {
  const start = Array.from({ length: 100 }, (_, i) => `port ${i}`).join(' or ');
  let asked = 0;
  const column = findCaret(`${start} or or tcp`, 'syntax error', (text) => {
    asked += 1;
    return accepts(text);
  });
  expect(column).toBe(start.length + 4);
  expect(asked).toBeLessThan(200);
});

test('findCaret() finds the place inside brackets of a long expression', () => {
  const expression = `${'tcp port 1 or '.repeat(20)}(udp and (icmp or ip proto))`;
  expect(caretOf(expression)).toBe(expression.length - 2);
});

test('findCaret() keeps the qualifiers of a list of addresses', () => {
  const expression = `host ${'10.0.0.1 or '.repeat(30)}10.0.0.2 or or 10.0.0.3`;
  expect(caretOf(expression)).toBe(expression.lastIndexOf('or'));
});

test('findCaret() does not ask for host names again', () => {
  const asked: string[] = [];
  findCaret('host www.example.org and and tcp', 'syntax error', (text) => {
    asked.push(text);
    return accepts(text);
  });
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter((text) => text.includes('example'))).toEqual([]);
});

test('findCaret() finds a host name in the message', () => {
  const expression = 'tcp and host nosuchname';
  expect(findCaret(expression, "unknown host 'nosuchname'", () => false)).toBe(13);
  expect(findCaret(expression, "unknown host 'nosuchname' for IPv6", () => false)).toBe(13);
});

test('findCaret() takes no beginning of a right expression for hopeless', () => {
  const wrong: string[] = [];
  for (const expression of EXPRESSIONS) {
    for (const { end } of tokenise(expression).slice(0, 40)) {
      const part = expression.slice(0, end);
      if (accepts(part)) continue;
      const column = findCaret(part, 'syntax error', accepts);
      if (column !== part.length && !'(['.includes(part[column] ?? ''))
        wrong.push(`${part} @${column}`);
    }
  }
  expect(wrong).toEqual([]);
});
