import { expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import type { RawProgram } from '../../../src/filter/cbpf.ts';
import { compileExpression } from '../../../src/filter/compile-expression.ts';
import { compileLong } from '../../../src/filter/compile-long.ts';
import { decode } from '../../../src/filter/decode.ts';
import { interpret } from '../../../src/filter/interpret.ts';
import { splitParts } from '../../../src/filter/parts.ts';
import { tokenise } from '../../../src/filter/tokenise.ts';
import { validate } from '../../../src/filter/validate.ts';
import { cuts, ETHERNET_PACKETS } from './support/packets.ts';
import { randomFrom } from './support/random-program.ts';

const pcap = openLibpcap();

function whole(text: string, optimize = true): RawProgram | undefined {
  const result = pcap.compile(text, { linkType: 1, snaplen: 262144, optimize });
  if ('program' in result) return result.program;
  if (result.error !== 'expression rejects all packets')
    throw new Error(`${text}: ${result.error}`);
  return [{ code: 6, jt: 0, jf: 0, k: 0 }];
}

const inPieces = (text: string): RawProgram | undefined =>
  compileLong(splitParts(tokenise(text)).parts, (piece) => whole(piece));

const LEAVES = [
  ...[
    'icmp',
    'tcp',
    'arp',
    'ip6',
    'udp port 53',
    'host 10.9.0.1',
    'greater 90',
    'tcp[13] & 2 != 0',
  ],
  ...['src or dst port 80', 'ether host 02:00:00:00:00:01', 'net 10.9.0.0/24', 'ip[8] > 5'],
];

function grow(random: (below: number) => number, depth: number): string {
  const leaf = (): string => LEAVES[random(LEAVES.length)]!;
  if (depth === 0) return leaf();
  const items = Array.from({ length: 2 + random(9) }, () => {
    const item = random(4) === 0 ? `(${grow(random, depth - 1)})` : leaf();
    return random(6) === 0 ? `not ${item}` : item;
  });
  return items.reduce((left, right) => `${left} ${random(3) === 0 ? 'and' : 'or'} ${right}`);
}

test('compileLong() means what the whole expression means (60 random ones)', () => {
  const random = randomFrom(11);
  let long = 0;
  for (let n = 0; n < 60; n++) {
    const text = grow(random, 3);
    const program = inPieces(text);
    expect(program, text).toBeDefined();
    const [ours, theirs] = [decode(program!), decode(whole(text)!)];
    validate(ours);
    if (splitParts(tokenise(text)).parts.filter(({ kind }) => kind === 'term').length > 25)
      long += 1;
    for (const { name, bytes } of ETHERNET_PACKETS) {
      const got = interpret(ours, bytes, bytes.length) !== 0;
      // Cut packets: see the next test.
      expect(got, `${text}: ${name}`).toBe(interpret(theirs, bytes, bytes.length) !== 0);
    }
  }
  expect(long).toBeGreaterThan(10);
});

// Optimised as a whole, later terms are asked before a load of an earlier one that is out of bounds.
test('compileLong() agrees with the program that is not optimised on packets that are cut', () => {
  const text = Array.from({ length: 90 }, (_, i) =>
    i % 3 === 0 ? `tcp port ${i * 7}` : `host 10.9.${i % 5}.${i % 7}`,
  ).join(' or ');
  const [ours, theirs] = [decode(inPieces(text)!), decode(whole(text, false)!)];
  let matched = 0;
  for (const { name, bytes } of ETHERNET_PACKETS) {
    for (const cut of cuts(bytes.length)) {
      const packet = bytes.subarray(0, cut);
      const expected = interpret(theirs, packet, bytes.length) !== 0;
      if (expected) matched += 1;
      expect(interpret(ours, packet, bytes.length) !== 0, `${name}/${cut}`).toBe(expected);
    }
  }
  expect(matched).toBeGreaterThan(100);
});

test('compileExpression() takes a thousand terms in a second or two', () => {
  const text = Array.from({ length: 1000 }, (_, i) => `host 10.${i >> 8}.${i & 255}.9`).join(
    ' or ',
  );
  const started = performance.now();
  expect(compileExpression(text, pcap)?.l2.constant).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(20_000);
});

test.each(['a or', '( tcp', 'tcp )', 'or tcp'])('compileLong() leaves `%s` to libpcap', (text) => {
  expect(inPieces(text)).toBeUndefined();
});
