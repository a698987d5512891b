import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import type { RawProgram } from '../../../src/filter/cbpf.ts';
import { decode } from '../../../src/filter/decode.ts';
import { interpret, type PacketMeta } from '../../../src/filter/interpret.ts';
import { tokenise } from '../../../src/filter/tokenise.ts';
import { forOffloadedTag } from '../../../src/filter/vlan-tag.ts';
import { EXPRESSIONS, KERNEL_ONLY } from './support/expressions.ts';
import { ETHERNET_PACKETS } from './support/packets.ts';

const pcap = openLibpcap();

const VLAN_EXPRESSIONS: readonly string[] = [
  ...['vlan', 'vlan 10', 'vlan (10)', 'vlan 0xa', 'not vlan', 'not vlan 10', 'vlan and icmp'],
  ...['vlan 10 and icmp', 'icmp and vlan 10', 'icmp or vlan 10', 'vlan 10 or icmp', 'vlan and ip6'],
  ...['vlan 10 or vlan 5', 'vlan and vlan', 'vlan and vlan 5', 'vlan 10 and vlan 5 and tcp'],
  ...['vlan and vlan and vlan', 'vlan and tcp port 80', 'vlan 10 and udp[8:4] = 0x01020304'],
  ...['(vlan 10 or vlan 5) and icmp', 'tcp or (vlan and tcp)', 'ether proto 0x8100 and vlan'],
  ...['vlan and ether host 02:00:00:00:00:01', 'vlan and ether proto 0x0806', 'vlan and arp'],
  ...['vlan and mpls', 'vlan and pppoes', 'vlan and not (udp or tcp)', 'vlan and greater 100'],
  ...['geneve and vlan 5', 'vlan and geneve', 'vlan 10 and host 10.9.0.2', 'inbound and vlan 10'],
  ...['ether[12:2] = 0x8100 or vlan 10', 'vlan and llc', 'vlan and stp', 'vlan and iso'],
];

/**
 * tcpdump prints what a live Linux handle gets, where it may open a packet socket. Not optimised:
 * libpcap 1.10.3 makes of `icmp and vlan 10` a program that skips its load of the tag.
 */
function liveProgram(expression: string): RawProgram | undefined {
  try {
    const [, ...lines] = execFileSync('tcpdump', ['-O', '-i', 'lo', '-ddd', expression], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).split('\n');
    return lines
      .filter((line) => line !== '')
      .map((line) => {
        const [code = 0, jt = 0, jf = 0, k = 0] = line.split(' ').map(Number);
        return { code, jt, jf, k: k >>> 0 };
      });
  } catch {
    return undefined;
  }
}

function deadProgram(expression: string): RawProgram {
  const result = pcap.compile(expression, { linkType: 1, snaplen: 262144, optimize: true });
  if ('program' in result) return result.program;
  if (result.error === 'expression rejects all packets') return [{ code: 6, jt: 0, jf: 0, k: 0 }];
  throw new Error(`${expression}: ${result.error}`);
}

const TAGS: readonly (PacketMeta | undefined)[] = [
  undefined,
  ...[10, 5, 0, 0xe00a].map((vlan_tci) => ({ vlan_tci, vlan_tpid: 0x8100 })),
  { vlan_tci: 10, vlan_tpid: 0x88a8 },
];

describe.skipIf(liveProgram('vlan') === undefined)('the two forms of a vlan expression', () => {
  test.each([
    ...VLAN_EXPRESSIONS,
    ...[...EXPRESSIONS, ...KERNEL_ONLY].filter((e) => /vlan/.test(e)),
  ])(
    '%s means what live tcpdump asks: tag beside the packet, in the bytes, both, neither',
    (expression) => {
      const live = decode(liveProgram(expression)!);
      const plain = decode(deadProgram(expression));
      const text = forOffloadedTag(tokenise(expression));
      const tagged = text === undefined ? plain : decode(deadProgram(text));
      const different: string[] = [];
      for (const { name, bytes } of ETHERNET_PACKETS) {
        for (const tag of TAGS) {
          const meta = { ...tag, vlan_present: tag === undefined ? 0 : 1, pkttype: 0 };
          const expected = interpret(live, bytes, bytes.length, meta);
          const ours = interpret(tag === undefined ? plain : tagged, bytes, bytes.length, meta);
          if (ours !== expected) different.push(`${name}, tag ${JSON.stringify(tag)}: ${ours}`);
        }
      }
      expect(different).toEqual([]);
    },
  );
});

test.each(['icmp', 'geneve and vlan 5', 'host \\vlan', 'ether proto 0x8100'])(
  'forOffloadedTag() leaves `%s` alone',
  (expression) => {
    expect(forOffloadedTag(tokenise(expression))).toBeUndefined();
  },
);
