import { beforeAll, describe, expect, test } from 'vitest';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import type { RawProgram } from '../../../src/filter/cbpf.ts';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { decode } from '../../../src/filter/decode.ts';
import { interpret } from '../../../src/filter/interpret.ts';
import type { CbpfInsn } from '../../../src/filter/insn.ts';
import { EXPRESSIONS, KERNEL_ONLY, LOOPING } from './support/expressions.ts';
import { attachToSocket } from './support/kernel-cbpf.ts';
import type { Run } from './support/native-c.ts';
import { buildNative, findCompiler } from './support/native-c.ts';
import type { Packet } from './support/packets.ts';
import { cuts, ETHERNET_PACKETS, IP_PACKETS } from './support/packets.ts';
import { randomFrom, randomPacket, randomProgram } from './support/random-program.ts';

const SEED = Number(process.env['XCAP_FUZZ_SEED'] ?? 20261121);
const FUZZ_PROGRAMS = Number(process.env['XCAP_FUZZ_PROGRAMS'] ?? 150);
const LINK_TYPES = [
  [1, ETHERNET_PACKETS],
  [12, IP_PACKETS],
] as const;

interface Case {
  readonly name: string;
  readonly program: RawProgram;
  readonly insns: readonly CbpfInsn[];
  readonly packets: readonly Packet[];
  /** libpcap's interpreter means the same. */
  readonly judged: boolean;
}

const pcap = openLibpcap();
const cases: Case[] = [];
for (const [linkType, packets] of LINK_TYPES) {
  for (const [i, expression] of [...EXPRESSIONS, ...KERNEL_ONLY, ...LOOPING].entries()) {
    // What libpcap has not optimised is longer and uses M[] more; a fourth of it will do.
    for (const optimize of i % 4 === 0 ? [true, false] : [true]) {
      const result = pcap.compile(expression, { linkType, snaplen: 262144, optimize });
      // What raw IP has no words for; "compiles" below counts.
      if ('error' in result) continue;
      cases.push({
        name: `${expression} (link type ${linkType}${optimize ? '' : ', not optimised'})`,
        program: result.program,
        insns: decode(result.program),
        packets,
        judged: !KERNEL_ONLY.includes(expression),
      });
    }
  }
}
const random = randomFrom(SEED);
const fuzzCases: Case[] = Array.from({ length: FUZZ_PROGRAMS }, (_, i) => {
  const program = randomProgram(random);
  const packets = Array.from({ length: 24 }, (_packet, n) => ({
    name: `random ${n}`,
    bytes: randomPacket(random),
  }));
  const name = `random program ${i} of seed ${SEED}`;
  return { name, program, insns: decode(program), packets, judged: false };
});

test('every expression of the table compiles for Ethernet, and most for raw IP', () => {
  expect(EXPRESSIONS.length).toBeGreaterThanOrEqual(150);
  const count = (suffix: string): number =>
    cases.filter(({ name }) => name.endsWith(suffix)).length;
  expect(count('(link type 1)')).toBe(EXPRESSIONS.length + KERNEL_ONLY.length + LOOPING.length);
  expect(count('(link type 12)')).toBeGreaterThan(120);
});

test("interpret() agrees with libpcap's interpreter on every packet and every cut of it", () => {
  const different: string[] = [];
  let matched = 0;
  for (const { name, program, insns, packets, judged } of cases) {
    if (!judged) continue;
    for (const packet of packets) {
      const wireLength = packet.bytes.length;
      for (const cut of cuts(wireLength)) {
        const bytes = packet.bytes.subarray(0, cut);
        const expected = pcap.evaluate(program, bytes, wireLength);
        if (expected !== 0) matched += 1;
        if (interpret(insns, bytes, wireLength) !== expected) {
          different.push(`${name}: ${packet.name} cut to ${cut}: expected ${expected}`);
        }
      }
    }
  }
  expect(different.slice(0, 20)).toEqual([]);
  expect(matched).toBeGreaterThan(10_000);
});

test('every expression of the table matches some packet and rejects some', () => {
  const verdicts = new Map<string, Set<boolean>>(EXPRESSIONS.map((text) => [text, new Set()]));
  for (const { name, insns, packets } of cases) {
    const seen = verdicts.get(name.replace(/ \(link type.*/, ''));
    for (const { bytes } of packets) seen?.add(interpret(insns, bytes, bytes.length) !== 0);
  }
  expect([...verdicts].filter(([, seen]) => seen.size !== 2).map(([text]) => text)).toEqual([]);
});

describe("the kernel's own cBPF", () => {
  const agrees = ({ name, program, insns, packets }: Case): string[] => {
    const kernel = attachToSocket(program);
    if (kernel === undefined) return [`${name}: the kernel refuses it`];
    const different = packets.flatMap((packet) => {
      const { bytes } = packet;
      const value = interpret(insns, bytes, bytes.length);
      const expected = value === 0 ? undefined : Math.min(value, bytes.length);
      const got = kernel.run(bytes);
      return got === expected ? [] : [`${name}: ${packet.name}: ${got} instead of ${expected}`];
    });
    kernel.close();
    return different;
  };

  test('agrees with interpret() on the table', () => {
    const chosen = cases.filter(
      ({ name, insns }) =>
        !name.includes('not optimised') && !insns.some((insn) => insn.op === 'ja' && insn.k > 4096),
    );
    expect(chosen.flatMap(agrees).slice(0, 20)).toEqual([]);
  });

  test(`agrees with interpret() on random programs (seed ${SEED})`, () => {
    expect(fuzzCases.flatMap(agrees).slice(0, 20)).toEqual([]);
  });
});

const compiler = findCompiler();

describe.skipIf(compiler === undefined)('the emitted C (needs gcc or clang)', () => {
  const all = [...cases, ...fuzzCases];
  const filters = all.map(({ program }, i) => compileFilter(program, { symbol: `filter${i}` }));
  let runs: readonly (readonly [string, Run])[] = [];

  beforeAll(async () => {
    const ways = ['variable stack reads', 'constant stack reads', 'in place'] as const;
    runs = await Promise.all(
      ways.map(async (way) => [way, await buildNative(compiler ?? '', filters, way)] as const),
    );
  }, 120_000);

  test('agrees with interpret() whatever lies behind the packet', () => {
    const different: string[] = [];
    all.forEach(({ name, insns, packets }, index) => {
      for (const [which, packet] of packets.entries()) {
        const wireLength = packet.bytes.length;
        // Every cut would take long: each packet takes its own share of them.
        for (const [nth, cut] of cuts(wireLength).entries()) {
          if ((nth + which + index) % 4 !== 0 && cut !== wireLength) continue;
          const bytes = packet.bytes.subarray(0, cut);
          const expected = interpret(insns, bytes, wireLength);
          for (const [kind, run] of runs) {
            for (const behind of [0, 0xff]) {
              const got = run(index, bytes, { wireLength, behind });
              if (got !== expected) {
                different.push(`${name}, ${kind}: ${packet.name}/${cut}: ${got} not ${expected}`);
              }
            }
          }
        }
      }
    });
    expect(different.slice(0, 20)).toEqual([]);
  });

  test('rejects when packet memory cannot be read', () => {
    const packet = ETHERNET_PACKETS[0]!.bytes;
    const index = cases.findIndex(({ name }) => name.startsWith('icmp (link type 1)'));
    for (const [, run] of runs) {
      const options = { wireLength: packet.length };
      expect(run(index, packet, options)).toBe(262144);
      expect(run(index, packet, { ...options, failFetch: true })).toBe(0);
    }
  });
});
