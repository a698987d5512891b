import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, filler, icmp, ipv4, udp } from '../support/packets.ts';
import { capture, runXcap } from '../support/tracer.ts';
import { ping, sendFrames } from '../support/traffic.ts';
import { NO_TUNNELS, TUNNELS } from '../support/tunnels.ts';

let pair: NetnsPair;
beforeAll(() => {
  pair = new NetnsPair();
  // Whatever is sent is dropped before anything looks into it.
  pair.b.nft(
    'table inet t { chain c { type filter hook prerouting priority -400; policy drop; }; }',
  );
});
afterAll(() => {
  pair.dispose();
});

const ends = { src: '10.1.0.1', dst: '10.1.0.2' };
const inside = {
  icmp: ipv4({ ...ends, protocol: 1 }, icmp(8, 0, filler(20))),
  udp: ipv4({ ...ends, protocol: 17 }, udp({ sport: 7, dport: 53 }, filler(200), ends)),
};

/** Each tunnel over IPv4 and IPv6 with ICMP and UDP inside; what is no tunnel; ICMP by itself. */
function frames(): Uint8Array[] {
  const { a, b } = pair;
  const link = { src: a.mac, dst: b.mac };
  const outer = (packet: Uint8Array): Uint8Array =>
    ethernet(packet[0]! >> 4 === 4 ? 0x0800 : 0x86dd, packet, link);
  return [
    ...TUNNELS.flatMap(({ carries, wrap }) =>
      ([4, 6] as const).flatMap((version) =>
        Object.values(inside).map((packet) =>
          outer(wrap(carries === 'ip' ? packet : ethernet(0x0800, packet), version, 4)),
        ),
      ),
    ),
    ...NO_TUNNELS.map(([, packet]) => outer(packet)),
    outer(inside.icmp),
  ];
}

const ETHERNET_TUNNELS = TUNNELS.filter(({ carries }) => carries === 'ethernet').length;
const ALL = 4 * TUNNELS.length;

describe('--inner', () => {
  it.each([
    ['', [], ALL],
    ['icmp', [], ALL / 2],
    ['udp port 53 and host 10.1.0.2', [], ALL / 2],
    ['greater 200', [], ALL / 2],
    ['tcp', [], 0],
    ['icmp', ['ip6'], ALL / 4],
    ['icmp', ['udp', 'dst', 'port', '6081'], 4],
    ['ether[0] = 2', [], 4 * ETHERNET_TUNNELS],
  ] as const)('%j, the packet matching %j', async (inner, outer, expected) => {
    const sent = frames();
    const { records, summaries, status, stderr } = await capture(
      ['--netns', pair.b.name, '--inner', inner, ...outer],
      () => {
        sendFrames(pair.a, sent);
      },
    );
    expect(status, stderr).toBe(0);
    const [summary] = summaries;
    expect(records).toHaveLength(expected);
    expect(summary).toMatchObject({ matched: expected, lost: 0, missed: 0 });
    const elsewhere = summary!.by['netns'] ?? 0;
    expect(summary!.seen - elsewhere).toBe(sent.length);
    if (outer.length > 0) return;
    // An Ethernet expression is asked of packets that begin with IP too: its link terms are false.
    expect(summary!.by['no inner packet']).toBe(sent.length - ALL);
    expect(summary!.by['inner filter'] ?? 0).toBe(ALL - expected);
  });

  it('shows where its expression is wrong, and which it is', async () => {
    const { status, stderr } = await runXcap(['--inner', 'tcp and and', 'icmp']);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^xcap: compiling the filter of --inner: .*\n {2}tcp and and\n {10}\^\n/,
    );
  });
});

/** Tunnel devices of the kernel, where it has them. */
const DEVICES = [
  ['ipip', ['type', 'ipip', 'local', '10.9.0.1', 'remote', '10.9.0.2']],
  ['gre', ['type', 'gre', 'local', '10.9.0.1', 'remote', '10.9.0.2', 'key', '5']],
  // The port is none that xcap knows: the device says where the inner packet is.
  [
    'vxlan',
    ['type', 'vxlan', 'id', '42', 'local', '10.9.0.1', 'remote', '10.9.0.2', 'dstport', '4000'],
  ],
] as const;

describe.each(DEVICES)('a packet sent through a device of type %s', (type, args) => {
  it('is found by what is inside', async (context) => {
    using own = new NetnsPair();
    const { status, stderr } = own.a.try(['ip', 'link', 'add', 'tun1', ...args]);
    if (status !== 0) context.skip(`this kernel has no ${type}: ${stderr.trim()}`);
    own.a.exec('ip', 'address', 'add', '10.77.0.1/24', 'dev', 'tun1');
    own.a.exec('ip', 'link', 'set', 'tun1', 'up');
    if (type === 'vxlan') {
      const neighbour = ['10.77.0.2', 'lladdr', '02:00:00:00:00:99', 'dev', 'tun1'];
      own.a.exec('ip', 'neighbour', 'replace', ...neighbour, 'nud', 'permanent');
    }
    const { records, summaries } = await capture(
      ['--hook', 'tx', '-i', `${own.a.device}@${own.a.name}`, '--inner', 'icmp and host 10.77.0.2'],
      () => {
        ping(own.a, '10.9.0.2', 3);
        own.a.try(['ping', '-n', '-q', '-c', '5', '-i', '0.01', '-W', '0.1', '10.77.0.2']);
      },
    );
    expect(records).toHaveLength(5);
    expect(summaries[0]!.by['no inner packet']).toBeGreaterThanOrEqual(3);
  });
});
