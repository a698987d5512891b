import { expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import { packetsOf } from '../../support/judges/packets.ts';
import { EXPRESSIONS, KERNEL_ONLY } from './support/expressions.ts';
import { LINK_EXPRESSIONS, MORE_EXPRESSIONS } from './support/more-expressions.ts';

const pcap = openLibpcap();

function verdicts(expression: string, linkTypes: readonly number[]): ReadonlySet<boolean> {
  const seen = new Set<boolean>();
  for (const linkType of linkTypes) {
    const result = pcap.compile(expression, { linkType, snaplen: 262144, optimize: true });
    if ('error' in result) continue;
    for (const { bytes } of packetsOf(linkType)) {
      seen.add(pcap.matches(result.program, bytes, bytes.length));
    }
  }
  return seen;
}

test('the table has more than 400 expressions, none twice', () => {
  const all = [...EXPRESSIONS, ...KERNEL_ONLY, ...MORE_EXPRESSIONS];
  expect(new Set(all).size).toBe(all.length);
  expect(all.length).toBeGreaterThan(400);
});

test('each expression of the table matches a packet of the tables and rejects another', () => {
  const poor = MORE_EXPRESSIONS.filter((expression) => verdicts(expression, [1, 12]).size !== 2);
  expect(poor).toEqual([]);
});

test.each([...LINK_EXPRESSIONS])(
  'each expression of link type %i matches a packet of its table and rejects another',
  (linkType, expressions) => {
    // What compiles for one of these link types only, or asks for what a file does not tell.
    const poor = expressions.filter((expression) => verdicts(expression, [linkType]).size !== 2);
    expect(poor).toEqual([]);
  },
);
