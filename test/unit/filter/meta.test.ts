import { describe, expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { decode } from '../../../src/filter/decode.ts';
import { interpret, type PacketMeta } from '../../../src/filter/interpret.ts';
import { isForeignExtension, metaField, metaMax, metaOffset } from '../../../src/filter/meta.ts';
import { buildNative, findCompiler } from './support/native-c.ts';
import { ETHERNET_PACKETS } from './support/packets.ts';

test('metaField() and metaOffset() are each other’s inverse', () => {
  for (let k = 0xffff_f000; k < 0xffff_f040; k += 4) {
    const field = metaField(k);
    expect(field === undefined).toBe(isForeignExtension(k));
    if (field !== undefined) expect(metaOffset(field)).toBe(k);
  }
  expect(metaField(0xffff_f001)).toBeUndefined();
  expect(metaField(0xffff_ffff)).toBeUndefined();
  expect([metaMax('vlan_present'), metaMax('mark')]).toEqual([1, 0xffff_ffff]);
});

const EXPRESSIONS = [
  ...['inbound', 'outbound', 'icmp and inbound', 'outbound or arp', 'ifindex 3', 'not ifindex 3'],
  // As numbers, libpcap lets them through: mark, queue, protocol, hatype, the tag.
  ...['ether[-4076:4] = 7', 'ether[-4072:2] > 1', 'ether[-4096:2] = 0x800', 'ether[-4068:2] = 1'],
  ...['ether[-4052:2] & 0xfff = 10 and icmp', 'ether[-4048] = 1', 'ether[-4036:2] = 0x88a8'],
  ...['ether[ether[-4048]] = 2', 'ether[-1] = 0 or icmp', 'icmp or ether[-1] = 0'],
];
const METAS: readonly PacketMeta[] = [
  {},
  { pkttype: 0, ifindex: 3, mark: 7, queue: 0, protocol: 0x0800, hatype: 1, vlan_present: 0 },
  { pkttype: 4, ifindex: 4, mark: 0, queue: 2, protocol: 6, hatype: 772, vlan_present: 1 },
  { pkttype: 4, vlan_present: 1, vlan_tci: 0xe00a, vlan_tpid: 0x88a8 },
];

describe.skipIf(findCompiler() === undefined)('the emitted C', () => {
  test('asks for what is not in the bytes, and rejects where it is not known', async () => {
    const pcap = openLibpcap();
    const programs = EXPRESSIONS.map((expression) => {
      const result = pcap.compile(expression, { linkType: 1, snaplen: 262144, optimize: true });
      if ('error' in result) throw new Error(`${expression}: ${result.error}`);
      return result.program;
    });
    const filters = programs.map((program, i) => compileFilter(program, { symbol: `f${i}` }));
    const run = await buildNative(findCompiler() ?? '', filters, 'variable stack reads');
    const verdicts = new Set<number>();
    programs.forEach((program, i) => {
      for (const { name, bytes } of ETHERNET_PACKETS) {
        for (const meta of METAS) {
          const expected = interpret(decode(program), bytes, bytes.length, meta);
          verdicts.add(expected);
          const got = run(i, bytes, { wireLength: bytes.length, meta });
          expect(got, `${EXPRESSIONS[i]}: ${name}, ${JSON.stringify(meta)}`).toBe(expected);
        }
      }
    });
    expect([...verdicts].sort()).toEqual([0, 262144]);
  });
});
