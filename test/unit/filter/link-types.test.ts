import { describe, expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { decode } from '../../../src/filter/decode.ts';
import { interpret } from '../../../src/filter/interpret.ts';
import { EXPRESSIONS, LOOPING } from './support/expressions.ts';
import { buildNative, findCompiler } from './support/native-c.ts';
import { IP_PACKETS, type Packet } from './support/packets.ts';

const isIpv4 = ({ bytes }: Packet): boolean => bytes[0]! >> 4 === 4;
const zeros = (count: number): number[] => new Array<number>(count).fill(0);

/** DLT numbers with the header that a network-layer packet has there. */
const LINK_TYPES: readonly (readonly [
  name: string,
  dlt: number,
  header: (p: Packet) => number[],
])[] = [
  ['NULL', 0, (packet) => [isIpv4(packet) ? 2 : 10, 0, 0, 0]],
  ['PPP', 9, (packet) => [0xff, 3, 0, isIpv4(packet) ? 0x21 : 0x57]],
  ['RAW', 12, () => []],
  ['LINUX_SLL', 113, (packet) => [0, 4, 0, 1, 0, 6, ...zeros(8), ...type(packet)]],
  ['IPV4', 228, () => []],
  ['IPV6', 229, () => []],
  [
    'LINUX_SLL2',
    276,
    (packet) => [...type(packet), 0, 0, ...[0, 0, 0, 3], 0, 1, 4, 6, ...zeros(8)],
  ],
];
const type = (packet: Packet): number[] => (isIpv4(packet) ? [8, 0] : [0x86, 0xdd]);

const pcap = openLibpcap();
const compiler = findCompiler();

describe.each(LINK_TYPES)('link type %s', (_name, linkType, header) => {
  const packets = IP_PACKETS.map((packet) => ({
    name: packet.name,
    bytes: Uint8Array.from([...header(packet), ...packet.bytes]),
  }));
  const programs = [...EXPRESSIONS, ...LOOPING].flatMap((expression) => {
    const result = pcap.compile(expression, { linkType, snaplen: 262144, optimize: true });
    return 'program' in result ? [{ expression, program: result.program }] : [];
  });

  test('most of the table compiles', () => {
    expect(programs.length).toBeGreaterThan(80);
  });

  test("interpret() agrees with libpcap's interpreter, and the emitted C with both", async () => {
    const filters = programs.map(({ program }, i) => compileFilter(program, { symbol: `f${i}` }));
    const run =
      compiler === undefined
        ? undefined
        : await buildNative(compiler, filters, 'variable stack reads');
    const different: string[] = [];
    let matched = 0;
    programs.forEach(({ expression, program }, i) => {
      const insns = decode(program);
      for (const { name, bytes } of packets) {
        for (const cut of [bytes.length, bytes.length - 1, 40, 24, 7]) {
          if (cut > bytes.length) continue;
          const packet = bytes.subarray(0, cut);
          const expected = pcap.evaluate(program, packet, bytes.length);
          if (expected !== 0) matched += 1;
          const got = [interpret(insns, packet, bytes.length)];
          if (run !== undefined) got.push(run(i, packet, { wireLength: bytes.length }));
          if (got.some((value) => value !== expected)) {
            different.push(`${expression}: ${name}/${cut}: ${got.join(' ')} not ${expected}`);
          }
        }
      }
    });
    expect(different.slice(0, 20)).toEqual([]);
    expect(matched).toBeGreaterThan(500);
  }, 60_000);
});
