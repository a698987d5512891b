import { describe, expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { annotate } from '../../../src/filter/explain.ts';
import { list } from '../../../src/filter/list.ts';
import { tableEntries } from '../../support/judges/table.ts';
import { asm } from './support/asm.ts';

const pcap = openLibpcap();

function compile(expression: string, linkType: number) {
  const result = pcap.compile(expression, { linkType, snaplen: 262144, optimize: true });
  if ('error' in result) throw new Error(result.error);
  return result.program;
}

/** The comments alone. */
const notes = (expression: string, linkType = 1): string[] =>
  annotate(compile(expression, linkType), linkType).map((line) => line.split('; ')[1] ?? '');

describe('annotate() names', () => {
  test('fields of Ethernet, IPv4 and what follows it', () => {
    const all = notes('tcp dst port 443 and src host 10.0.0.1');
    expect(all).toContain('Ethernet type');
    expect(all).toContain('IPv4');
    expect(all).toContain('TCP destination port');
    expect(all).toContain('443');
    expect(all).toContain('IP source address');
    expect(all).toContain('10.0.0.1');
    expect(all).toContain('X = length of the IP header');
    expect(all).toContain('any bit: not the first fragment');
  });

  test('IPv6, and its transport at its place', () => {
    const all = notes('ip6 and udp port 53');
    expect(all).toContain('IPv6 next header');
    expect(all).toContain('UDP source port');
  });

  test('what lies behind a tag, whichever of its three types it has', () => {
    const all = notes('vlan 5 and ip6 and udp');
    expect(all).toContain('VLAN tag');
    expect(all).toContain('Ethernet type behind the tag');
    expect(all).toContain('IPv6 next header');
  });

  test('the fields of a packet without link header', () => {
    const all = notes('icmp', 12);
    expect(all).toContain('IP version and header length');
    expect(all).toContain('IPv4');
    expect(all).toContain('IP protocol');
    expect(all).toContain('ICMP');
  });

  test('parts of a field, and the length on the wire', () => {
    expect(notes('ether host 02:00:00:00:00:01')).toContain('Ethernet source, bytes 2 to 5');
    expect(notes('greater 100')).toContain('length on the wire');
  });

  test('nothing that a path leaves open', () => {
    // Byte 23 is the protocol of IPv4 on one of the two paths to it only.
    const { ldh, ldb, jeq, ret } = asm;
    const program = [ldh(12), jeq(0x800, 0, 0), ldb(23), jeq(6, 0, 1), ret(1), ret(0)];
    expect(annotate(program, 1)[2]).toContain('; byte 23');
  });
});

test('annotate() leaves the listing of every program of the table as it is', () => {
  for (const { name, program, linkType } of tableEntries()) {
    const plain = list(program, 'd').map((line) => line.trimEnd().split('\t')[0]);
    const annotated = annotate(program, linkType);
    expect(annotated, name).toHaveLength(plain.length);
    annotated.forEach((line, i) => {
      expect(line.startsWith(plain[i]!.trimEnd()), `${name}: ${line}`).toBe(true);
    });
  }
});

test.each([
  ['icmp', 1, 1],
  ['tcp port 443', 1, 3],
  ['ether[300:4] = 0', 1, 1],
  ['ip[ip[2:2]] = 0', 2, 2],
  ['udp[200:4] = 1 or ether[400] = 0', 3, 3],
  ['greater 100', 0, 0],
])('the cost of `%s`: at most %i reads, %i before Linux 5.12', (expression, reads, before) => {
  const { cost } = compileFilter(compile(expression, 1), { symbol: 'f' });
  expect([cost.worstReads, cost.worstReadsBefore512]).toEqual([reads, before]);
});

test('the cost of a filter on the first 64 bytes is one read', () => {
  for (const { name, program } of tableEntries()) {
    const { cost, readsBeyondWindow } = compileFilter(program, { symbol: 'f' });
    if (!readsBeyondWindow) expect(cost.worstReads, name).toBeLessThanOrEqual(1);
    else expect(cost.worstReads, name).toBeGreaterThan(0);
  }
});
