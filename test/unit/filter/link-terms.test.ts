import { describe, expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import { compileExpression, LINK_TYPE } from '../../../src/filter/compile-expression.ts';
import { decode } from '../../../src/filter/decode.ts';
import { interpret } from '../../../src/filter/interpret.ts';
import { withoutLinkTerms, writeParts } from '../../../src/filter/link-terms.ts';
import { splitParts } from '../../../src/filter/parts.ts';
import { tokenise } from '../../../src/filter/tokenise.ts';
import { EXPRESSIONS } from './support/expressions.ts';
import { IP_PACKETS } from './support/packets.ts';
import { randomFrom } from './support/random-program.ts';

const pcap = openLibpcap();
const compileRaw = (text: string) =>
  pcap.compile(text, { linkType: LINK_TYPE.raw, snaplen: 262144, optimize: false });
const accepts = (text: string): boolean => 'program' in compileRaw(text);
const rewrite = (text: string): string | undefined => {
  const without = withoutLinkTerms(splitParts(tokenise(text)).parts, accepts);
  return without && writeParts(without);
};

const F = '( ( 1 = 0 ) )';

test.each([
  ['ether host 02:00:00:00:00:01 or icmp', `${F} or ( icmp )`],
  ['not ether host 02:00:00:00:00:01', `not ${F}`],
  ['ether src 02:00:00:00:00:01 or 02:00:00:00:00:02 and tcp', `${F} or ${F} and ( tcp )`],
  ['ether[0] & 1 = 0 and udp', `${F} and ( udp )`],
  ['(ether[0] & 1) = 0', F],
  ['ip[0] & 0xf != 5 or link[12:2] = 0x800', `( ip [ 0 ] & 0xf != 5 ) or ${F}`],
  ['(vlan 10 and icmp) or host 10.9.0.1', `( ${F} and ( icmp ) ) or ( host 10.9.0.1 )`],
  ['vlan (10) or port (80 or 443)', `${F} or ( port ( 80 or 443 ) )`],
  ['broadcast or multicast', `${F} or ${F}`],
  ['src or dst host 10.9.0.1 or vlan', `( src or dst host 10.9.0.1 ) or ${F}`],
  ['host 10.9.0.1 or 10.9.0.2 or pppoes', `( host 10.9.0.1 ) or ( host 10.9.0.2 ) or ${F}`],
  ['vlan or net 10.0.0.0/8', `${F} or ( net 10.0.0.0 / 8 )`],
  ['ip broadcast or ether broadcast', `( ip broadcast ) or ${F}`],
])('withoutLinkTerms() makes of `%s` `%s`', (expression, expected) => {
  expect(rewrite(expression)).toBe(expected);
});

test.each([
  'icmp',
  'host 10.9.0.1',
  'ether proto \\ip',
  'arp',
  'ip multicast',
  'greater 100',
  'ip[0] = 0x45',
])('withoutLinkTerms() leaves `%s` alone', (expression) => {
  expect(rewrite(expression)).toBeUndefined();
});

/** Terms with what they mean for a packet without a link header. */
const TERMS: readonly (readonly [term: string, isLink: boolean])[] = [
  ...(
    [
      'ether host 02:00:00:00:00:01',
      'ether dst 02:00:00:00:00:02',
      'ether broadcast',
      'multicast',
      'broadcast',
      'ether[0] & 1 = 0',
      'ether[0] != 1',
      'ether multicast',
    ] as const
  ).map((term) => [term, true] as const),
  ...(
    [
      ...['icmp', 'tcp', 'udp port 53', 'host 10.9.0.1', 'ip6', 'greater 60', 'ip[8] > 5'],
      ...['src or dst port 80', 'net 10.9.0.0/24', 'tcp[13] & 2 != 0', 'arp', 'ip proto 47'],
    ] as const
  ).map((term) => [term, false] as const),
];

describe('an expression for packets without a link header', () => {
  const programs = new Map(
    TERMS.filter(([, isLink]) => !isLink).map(([term]) => {
      const result = compileRaw(term);
      if ('error' in result) throw new Error(result.error);
      return [term, decode(result.program)] as const;
    }),
  );
  const links = new Set(TERMS.filter(([, isLink]) => isLink).map(([term]) => term));

  type Tree =
    | { readonly term: string }
    | { readonly not: Tree }
    | { readonly op: 'and' | 'or'; readonly left: Tree; readonly right: Tree };

  function grow(random: (below: number) => number, depth: number): Tree {
    const kind = depth === 0 ? 0 : random(4);
    if (kind === 0) return { term: TERMS[random(TERMS.length)]![0] };
    if (kind === 1) return { not: grow(random, depth - 1) };
    const [left, right] = [grow(random, depth - 1), grow(random, depth - 1)];
    return { op: random(2) === 0 ? 'and' : 'or', left, right };
  }
  const write = (tree: Tree): string => {
    if ('term' in tree) return tree.term;
    if ('not' in tree) return `not (${write(tree.not)})`;
    return `(${write(tree.left)}) ${tree.op} (${write(tree.right)})`;
  };
  const judge = (tree: Tree, packet: Uint8Array): boolean => {
    if ('not' in tree) return !judge(tree.not, packet);
    if ('op' in tree) {
      const left = judge(tree.left, packet);
      return tree.op === 'and'
        ? left && judge(tree.right, packet)
        : left || judge(tree.right, packet);
    }
    if (links.has(tree.term)) return false;
    return interpret(programs.get(tree.term)!, packet, packet.length) !== 0;
  };

  test('is its terms joined, those about the link layer being false (200 random ones)', () => {
    const random = randomFrom(3);
    let compared = 0;
    for (let n = 0; n < 200; n++) {
      const tree = grow(random, 3);
      const text = write(tree);
      const without = rewrite(text) ?? text;
      const result = pcap.compile(without, { linkType: 12, snaplen: 262144, optimize: true });
      for (const { name, bytes } of IP_PACKETS) {
        const verdict =
          'program' in result && interpret(decode(result.program), bytes, bytes.length) !== 0;
        // Longer than any offset of the terms: no load is out of bounds, which would reject as a whole.
        if (bytes.length < 60) continue;
        compared += 1;
        expect(verdict, `${text} as ${without}: ${name}`).toBe(judge(tree, bytes));
      }
    }
    expect(compared).toBeGreaterThan(2000);
  });
});

test('every expression of the table has a form for packets without a link header, or needs one', () => {
  const lost = EXPRESSIONS.map((expression) => compileExpression(expression, pcap)!)
    .filter(({ l3, note }) => l3 === undefined && note !== 'it matches by their link header only')
    .map(({ expression, note }) => `${expression}: ${note ?? ''}`);
  expect(lost).toEqual([]);
});
