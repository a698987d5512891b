import { describe, expect, test } from 'vitest';

import { summarize, summarizePacket } from '../../../src/packet/summary.ts';
import type { SummaryOptions } from '../../../src/packet/summary.ts';
import { SequenceTable } from '../../../src/packet/tcp-sequences.ts';
import { bytes, ethernet, filler, ipv4, ipv6, u16, u32, vlan } from '../../support/packets.ts';
import { PACKET_CASES, RAW_CASES } from './packet-cases.ts';
import type { PacketCase } from './packet-cases.ts';

const PLAIN = { link: false, verbose: 0, quiet: false } as const;

function options(
  one: Pick<PacketCase, 'data' | 'wireLength'>,
  more: Partial<SummaryOptions> = {},
): SummaryOptions {
  return { linkType: 'ethernet', wireLength: one.wireLength ?? one.data.length, ...PLAIN, ...more };
}

function listing(more: Partial<SummaryOptions>): string {
  const sequences = new SequenceTable();
  const lines = (cases: readonly PacketCase[], linkType: 'ethernet' | 'raw'): string[] =>
    cases.map((one) => {
      const text = summarize(one.data, options(one, { linkType, sequences, ...more }));
      return `# ${one.name}\n${text}\n`;
    });
  return [...lines(PACKET_CASES, 'ethernet'), ...lines(RAW_CASES, 'raw')].join('');
}

describe('summarize()', () => {
  // Where tcpdump is installed, tcpdump.test.ts proves these listings right; see there.
  test.each([
    ['plain', {}],
    ['link', { link: true }],
    ['verbose', { verbose: 1 }],
    ['very-verbose', { verbose: 2 }],
    ['quiet', { quiet: true }],
    ['absolute', { absoluteSequence: true }],
  ] satisfies [string, Partial<SummaryOptions>][])(
    'prints every case as in %s.txt',
    async (name, more) => {
      await expect(listing(more)).toMatchFileSnapshot(`../../golden/packet/${name}.txt`);
    },
  );

  test('prints one line without -v, whatever the packet', () => {
    const long = PACKET_CASES.filter((one) => summarize(one.data, options(one)).includes('\n'));
    expect(long.map(({ name }) => name)).toEqual([]);
  });

  test('starts every further line of -v with white space', () => {
    const texts = PACKET_CASES.map((one) => summarize(one.data, options(one, { verbose: 3 })));
    expect(texts.filter((text) => /\n[^ \t]/.test(text))).toEqual([]);
    expect(texts.filter((text) => text.includes('\n')).length).toBeGreaterThan(20);
  });

  test('survives bytes changed, cut and repeated at random', () => {
    const random = generator(20261121);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    for (let round = 0; round < 30_000; round++) {
      const data = Uint8Array.from(pick(PACKET_CASES).data);
      for (let change = random() * 6; change > 0 && data.length > 0; change--) {
        data[Math.floor(random() * data.length)] = pick([0, 1, 0x7f, 0x80, 0xff, random() * 256]);
      }
      const cut = data.subarray(0, Math.floor(random() * (data.length + 1)));
      const text = summarize(cut, {
        linkType: pick(['ethernet', 'ethernet', 'raw'] as const),
        wireLength: pick([data.length, cut.length, 0, 70_000]),
        link: random() < 0.5,
        verbose: pick([0, 1, 2]),
        quiet: random() < 0.2,
      });
      expect(text).toMatch(/^(?:[ -~]|\n[ \t])*$/);
    }
  });

  test.each([
    ['IPIP', bytes(ipv4({ protocol: 4 }, []))],
    ['6in6', ipv6({ next: 41, payloadLength: 60_000 }, [])],
    ['AH', bytes([51, 0], u16(0), u32(1))],
    ['destination options', [60, 0, 1, 4, 0, 0, 0, 0]],
    ['GRE', bytes(ipv4({ protocol: 47 }, u16(0, 0x0800)))],
  ])('does not exhaust the stack on a packet of nothing but %s headers', (name, header) => {
    const count = Math.floor(60_000 / header.length);
    const headers = bytes(...Array.from({ length: count }, () => header));
    const first = name === 'AH' ? 51 : 60;
    const data =
      name === 'AH' || name === 'destination options'
        ? ethernet(0x86dd, ipv6({ next: first }, headers))
        : ethernet(name === '6in6' ? 0x86dd : 0x0800, headers);
    expect(() => summarize(data, options({ data }, { verbose: 1 }))).not.toThrow();
  });

  test('says when tunnels are nested deeper than it reads', () => {
    let packet: Uint8Array = ipv4({ protocol: 59 }, []);
    for (let depth = 0; depth < 20; depth++) packet = ipv4({ protocol: 4 }, packet);
    const data = ethernet(0x0800, packet);
    expect(summarize(data, options({ data }))).toMatch(/IP .*: \[nested too deep\]$/);
  });

  test('takes the length of a packet too large for its length field from the wire', () => {
    const tcp4 = ipv4({ protocol: 6, totalLength: 0 }, filler(40));
    const data = ethernet(0x0800, tcp4);
    expect(summarize(data, options({ data, wireLength: 100_014 }))).not.toContain('bad-len');
    expect(summarize(data, options({ data }))).toContain('bad-len 0');
  });

  test('counts VLAN tags and LLC to the link header', () => {
    const length = (data: Uint8Array): number =>
      summarizePacket(data, options({ data })).linkHeaderLength;
    const ip = ipv4({ protocol: 59 }, []);
    expect(length(ethernet(0x0800, ip))).toBe(14);
    expect(length(ethernet(0x88a8, vlan(1, 0x8100, vlan(2, 0x0800, ip))))).toBe(22);
    expect(length(ethernet(28, bytes([0xaa, 0xaa, 3, 0, 0, 0, 8, 0], ip)))).toBe(22);
    expect(summarizePacket(ip, options({ data: ip }, { linkType: 'raw' })).linkHeaderLength).toBe(
      0,
    );
  });

  test('does not print the control characters of a reset', () => {
    const { data } = PACKET_CASES.find(({ name }) => name === 'tcp reset with a reason')!;
    expect(summarize(data, options({ data }, { verbose: 1 }))).toContain(
      '[RST go ^[[31m away^?M-^?]',
    );
  });
});

/** Mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
