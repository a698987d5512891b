import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair } from '../support/netns.ts';
import { hex } from '../support/packets.ts';
import { capture, type JsonRecord } from '../support/tracer.ts';
import { talk, writeInVain } from '../support/traffic.ts';

let pair: NetnsPair;
beforeEach(() => {
  pair = new NetnsPair();
});
afterEach(() => {
  pair.dispose();
});

const PSH = 8;
const SYN = 2;

/** Where a packet's headers are, and how long. */
function layout(packet: Uint8Array) {
  const six = packet[12] === 0x86;
  const transport = six ? 54 : 34;
  const protocol = packet[six ? 20 : 23];
  const header = protocol === 6 ? ((packet[transport + 12] ?? 0) >> 4) * 4 : 8;
  return { six, transport, protocol, header, end: transport + header };
}

/**
 * What is to be made up of a packet that was then sent: the same but for what was not known, or not
 * decided, when it was.
 */
function asMadeUp(sent: Uint8Array, { synth = '' }: JsonRecord): Uint8Array {
  const packet = Uint8Array.from(sent);
  const { six, transport, protocol, header, end } = layout(packet);
  packet.fill(0, 0, 12);
  if (six) {
    // Flow label and hop limit.
    packet[15]! &= 0xf0;
    packet.fill(0, 16, 18).fill(0, 21, 22);
  } else {
    // Identification, fragment bits, TTL; checksum.
    packet.fill(0, 18, 23).fill(0, 24, 26);
  }
  if (!/tcp|udp/.test(synth)) return packet;
  if (protocol === 17) return packet.fill(0, transport + 6, transport + 8);
  packet.fill(0, transport + 16, transport + 18);
  if ((packet[transport + 13]! & SYN) === 0) return packet.fill(0, transport + 20, end);
  // Those of a SYN are not known at all.
  packet[transport + 12] = 0x50;
  packet[six ? 19 : 17]! -= header - 20;
  return Uint8Array.from([...packet.subarray(0, transport + 20), ...packet.subarray(end)]);
}

/** The window may be widened by the segment itself. */
function takeWindow(from: Uint8Array, to: Uint8Array): void {
  const { transport, protocol } = layout(from);
  if (protocol !== 6) return;
  const at = transport + 14;
  const window = (packet: Uint8Array): number => (packet[at]! << 8) | packet[at + 1]!;
  expect(window(from)).toBeLessThanOrEqual(window(to));
  expect(window(from)).toBeGreaterThan(window(to) * 0.9);
  to.set(from.subarray(at, at + 2), at);
}

/** Each record against the packet sent that it became, in their order. */
function expectMadeUp(records: readonly JsonRecord[], sent: readonly JsonRecord[]): void {
  expect(records).toHaveLength(sent.length);
  records.forEach((record, i) => {
    const packet = hex(record.packet);
    const made = asMadeUp(hex(sent[i]!.packet), record);
    if (record.synth?.includes('tcp') === true) takeWindow(packet, made);
    expect(record).toMatchObject({ link: 'ethernet', len: made.length, netns: pair.a.inode });
    // Of a socket alone there is no payload.
    const whole = record.family === undefined ? made : made.subarray(0, packet.length);
    if (record.family !== undefined) expect(packet).toHaveLength(layout(packet).end);
    expect(Buffer.from(packet).toString('hex')).toBe(Buffer.from(whole).toString('hex'));
  });
}

const of = (records: readonly JsonRecord[], hook: string): readonly JsonRecord[] =>
  records.filter((record) => record.hook === hook);
const synthOf = (records: readonly JsonRecord[]): readonly (string | undefined)[] => [
  ...new Set(records.map(({ synth }) => synth)),
];
const isTcp = ({ packet }: JsonRecord): boolean => layout(hex(packet)).protocol === 6;
const hasData = ({ packet }: JsonRecord): boolean => hex(packet).length > layout(hex(packet)).end;

describe('a packet without headers', () => {
  it('that TCP sends again, or cannot send for want of a route, gets them', async () => {
    const { a, b } = pair;
    const route = ['route', 'del', '10.9.0.0/24', 'dev', a.device] as const;
    const { records, summaries } = await capture(
      [
        ...['--hook', 'tracepoint:tcp:tcp_retransmit_skb,drop,tx', '--netns', a.name],
        'src host 10.9.0.1 and tcp[tcpflags] & tcp-push != 0 and (dst port 5000 or dst port 5002)',
      ],
      async () => {
        b.iptables('-A', 'INPUT', '-p', 'tcp', '--tcp-flags', 'PSH', 'PSH', '-j', 'DROP');
        const ends = { from: a, to: b, local: a.address4, remote: b.address4 };
        await writeInVain({ ...ends, port: 5002, bytes: 77 }, () => void a.exec('ip', ...route));
        a.exec('ip', 'route', 'add', '10.9.0.0/24', 'dev', a.device);
        await writeInVain({ ...ends, port: 5000, bytes: 300 }, () => undefined);
      },
    );
    const first = records.filter(({ packet }) => packet.includes('13891388'));
    const again = of(first, 'tracepoint:tcp:tcp_retransmit_skb');
    expect(synthOf(again)).toEqual(['eth,ip,tcp']);
    expect(again.length).toBeGreaterThan(0);
    // The tracepoint comes behind the sending.
    const before = (record: JsonRecord): JsonRecord =>
      of(first.slice(0, first.indexOf(record)), 'tx').at(-1)!;
    expectMadeUp(again, again.map(before));

    const dropped = of(records, 'drop');
    expect(dropped.length).toBeGreaterThan(0);
    expect(synthOf(dropped)).toEqual(['eth,ip']);
    expect(dropped[0]?.len).toBe(14 + 20 + 32 + 77);
    for (const { packet, len, iface } of dropped) {
      expect(iface).toBeUndefined();
      // Without a route TCP cuts later ones smaller.
      const length = (len - 14).toString(16).padStart(4, '0');
      // Type of service as set, length, nothing of identification, TTL and checksum, TCP, addresses.
      expect(packet.slice(0, 68)).toBe(
        `${'00'.repeat(12)}08004528${length}00000000000600000a0900010a090002`,
      );
      expect(packet.slice(68, 76)).toBe('138b138a');
      // Behind options: a SACK block among them when the other end has sent something again.
      const { end } = layout(hex(packet));
      expect(packet.slice(2 * end)).toBe('54'.repeat(len - end));
    }
    expect(summaries.find(({ hook }) => hook === 'drop')).toMatchObject({ lost: 0, missed: 0 });
  });
});

const able = kernel.fentry || kernel.kprobe || kernel.kprobeMulti;

describe.skipIf(!able)('on its way down from the socket', () => {
  const HOOKS = ['__tcp_transmit_skb', 'ip_queue_xmit', 'inet6_csk_xmit'];
  const CALLS = ['tcp_sendmsg', 'udp_sendmsg', 'udpv6_sendmsg'];

  it('a packet is what is sent in the end, as far as that is known', async () => {
    const { a, b } = pair;
    const { records, summaries } = await capture(
      [
        ...['--hook', [...HOOKS, ...CALLS, 'tx'].join(','), '--netns', a.name],
        '(tcp or udp) and (src host 10.9.0.1 or src host fd00:9::1) and dst port 4000',
      ],
      () => {
        const ends = { from: a, to: b, port: 4000 };
        talk({ ...ends, local: a.address4, remote: b.address4, bytes: 300 });
        talk({ ...ends, local: a.address6, remote: b.address6, bytes: 200 });
        const mapped = { local: `::ffff:${a.address4}`, remote: `::ffff:${b.address4}` };
        talk({ ...ends, ...mapped, bytes: 100 });
      },
    );
    const sent = of(records, 'tx');
    const segments = sent.filter(isTcp);
    const four = ({ packet }: JsonRecord): boolean => !layout(hex(packet)).six;
    expect(segments).toHaveLength(15);

    const transmitted = of(records, '__tcp_transmit_skb');
    expect(synthOf(transmitted)).toEqual(['eth,ip,tcp', 'eth,ip6,tcp']);
    expectMadeUp(transmitted, segments);

    const queued = of(records, 'ip_queue_xmit');
    expect(synthOf(queued)).toEqual(['eth,ip']);
    expectMadeUp(queued, segments.filter(four));
    const queued6 = of(records, 'inet6_csk_xmit');
    expect(synthOf(queued6)).toEqual(['eth,ip6']);
    expectMadeUp(
      queued6,
      segments.filter((record) => !four(record)),
    );

    const writes = segments.filter(hasData).map((record) => {
      // Whether it pushes is decided later.
      const packet = hex(record.packet);
      packet[layout(packet).transport + 13]! &= ~PSH;
      return { ...record, packet: Buffer.from(packet).toString('hex') };
    });
    const written = of(records, 'tcp_sendmsg');
    expectMadeUp(written, writes);
    expect(written.map(({ state }) => state)).toEqual(Array(3).fill('ESTABLISHED'));

    const datagrams = sent.filter((record) => !isTcp(record));
    // IPv4 from an IPv6 socket goes by both functions.
    const mapped = of(records, 'udpv6_sendmsg').slice(2);
    expectMadeUp(of(records, 'udp_sendmsg'), datagrams.filter(four));
    expectMadeUp(
      [...of(records, 'udp_sendmsg').slice(0, 2), ...of(records, 'udpv6_sendmsg')],
      datagrams,
    );
    expect(synthOf(mapped)).toEqual(['eth,ip,udp']);
    for (const { lost, missed } of summaries) expect([lost, missed]).toEqual([0, 0]);
  });
});
