import { spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BpfFs, HookedDevice } from '../support/hook-map.ts';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, filler, ipv4, udp } from '../support/packets.ts';
import { capture, type JsonRecord } from '../support/tracer.ts';
import { ping, sendFrames } from '../support/traffic.ts';

const PINGS = 20;
const CONNECTIONS = 20;
const PORT = 5001;

/** Behind b, by a veth pair and a VXLAN tunnel over it. */
const far = `xcap-${process.pid}-far`;
let pair: NetnsPair;

function shell(script: string): void {
  const { status, stderr } = spawnSync('sh', ['-eu'], { input: script, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** a pings b, which translates that to an address in the tunnel. */
beforeAll(() => {
  pair = new NetnsPair();
  const { a, b } = pair;
  shell(`
    ip netns add ${far}
    ip -n ${b.name} link add xr0 type veth peer name xc0 netns ${far}
    ip -n ${b.name} address add 10.8.0.1/24 dev xr0
    ip -n ${far} address add 10.8.0.2/24 dev xc0
    ip -n ${b.name} link set xr0 up
    ip -n ${far} link set xc0 up
    ip -n ${far} link set lo up
    ip -n ${b.name} link add xt0 type vxlan id 5 local 10.8.0.1 remote 10.8.0.2 dstport 4789 dev xr0
    ip -n ${far} link add xt0 type vxlan id 5 local 10.8.0.2 remote 10.8.0.1 dstport 4789 dev xc0
    ip -n ${b.name} address add 10.7.0.1/24 dev xt0
    ip -n ${far} address add 10.7.0.2/24 dev xt0
    ip -n ${b.name} link set xt0 up
    ip -n ${far} link set xt0 up
    ip -n ${far} route add 10.9.0.0/24 via 10.7.0.1
    ip netns exec ${b.name} sysctl -qw net.ipv4.ip_forward=1
    ip netns exec ${b.name} iptables-legacy -w 10 -t nat -A PREROUTING -p icmp -d ${b.address4} -j DNAT --to-destination 10.7.0.2
  `);
  // Neighbours become known.
  ping(a, b.address4, 2);
});
afterAll(() => {
  spawnSync('ip', ['netns', 'del', far]);
  pair.dispose();
});

interface GatheredStep {
  readonly hook: string;
  readonly iface?: string;
  readonly offset_ns: number;
  readonly changes: readonly {
    readonly added?: readonly { readonly layer: string }[];
    readonly removed?: readonly { readonly layer: string }[];
  }[];
}

interface GatheredJson {
  readonly packet_id: number;
  readonly steps: readonly GatheredStep[];
  readonly not_received: readonly string[];
  readonly end: string;
  readonly location?: string;
}

function byPacket(records: readonly JsonRecord[]): Map<number, JsonRecord[]> {
  const packets = new Map<number, JsonRecord[]>();
  for (const record of records) {
    const id = record.packet_id ?? 0;
    packets.set(id, [...(packets.get(id) ?? []), record]);
  }
  return packets;
}

describe('--track', () => {
  it('gives a packet one id before and after NAT, in a tunnel and behind it, until it is freed', async () => {
    const { a, b } = pair;
    const hooks = [
      'tx',
      'rx',
      'consume',
      ...(kernel.fentry || kernel.kprobe ? ['ip_forward'] : []),
    ];
    const { records, stderr, status, summaries } = await capture(
      [
        ...['--track', '--hook', hooks.join(','), '--netns', a.name],
        `icmp[icmptype] == icmp-echo and dst ${b.address4}`,
      ],
      () => {
        expect(ping(a, b.address4, PINGS)).toBe(PINGS);
      },
    );
    expect(status, stderr).toBe(0);
    for (const { lost, missed } of summaries) expect(lost + missed, stderr).toBe(0);
    expect(stderr).not.toMatch(/no room/);
    const packets = byPacket(records);
    expect(packets.size).toBe(PINGS);
    for (const steps of packets.values()) {
      expect(steps.map(({ hook, iface }) => `${iface ?? ''}/${hook}`)).toEqual([
        ...['xa0/tx', 'xb0/rx'],
        ...(hooks.includes('ip_forward') ? ['xb0/ip_forward'] : []),
        ...['xt0/tx', 'xr0/tx', 'xc0/rx', 'xt0/rx', 'xt0/consume'],
      ]);
      // One echo request: its identifier and sequence number, behind whatever headers.
      const echoes = steps.map(({ packet }) => packet.slice(-2 * 60, -2 * 56));
      expect(new Set(echoes).size).toBe(1);
    }
    expect(new Set(records.map(({ netns }) => netns)).size).toBe(3);
  });

  it('--gather: one object a packet, with what NAT, routing and the tunnel changed, where it was not, and its end', async () => {
    const { a, b } = pair;
    shell(`ip netns exec ${far} iptables-legacy -w 10 -A INPUT -p icmp -i xt0 -j DROP`);
    const { records, stderr, status, summaries } = await capture(
      [
        ...['--gather', '--hook', 'tx,rx,tracepoint:net:netif_rx', '--netns', a.name],
        `icmp[icmptype] == icmp-echo and dst ${b.address4}`,
      ],
      async () => {
        ping(a, b.address4, 3);
        // They are shown when they have ended, and not when the run does.
        await new Promise((resolve) => setTimeout(resolve, 300));
      },
    );
    shell(`ip netns exec ${far} iptables-legacy -w 10 -F INPUT`);
    expect(status, stderr).toBe(0);
    const packets = records as unknown as readonly GatheredJson[];
    expect(packets).toHaveLength(3);
    for (const { packet_id, steps, end, location, not_received } of packets) {
      expect(packet_id).toBeGreaterThan(0);
      const at = (hook: string, iface: string): GatheredStep | undefined =>
        steps.find((step) => step.hook === hook && step.iface === iface);
      expect(steps[0]).toMatchObject({ hook: 'tx', iface: 'xa0', offset_ns: 0, changes: [] });
      const offsets = steps.map(({ offset_ns }) => offset_ns);
      expect(offsets).toEqual(offsets.toSorted((x, y) => x - y));
      expect(at('tx', 'xt0')?.changes).toEqual(
        expect.arrayContaining([
          { field: 'ip.dst', from: b.address4, to: '10.7.0.2' },
          { field: 'ip.ttl', from: 64, to: 63 },
        ]),
      );
      const tunnel = [
        expect.objectContaining({ layer: 'ip', src: '10.8.0.1', dst: '10.8.0.2' }) as object,
        expect.objectContaining({ layer: 'udp', dport: 4789 }) as object,
        { layer: 'vxlan', vni: 5 },
      ];
      const headers = ({ changes }: GatheredStep, kind: 'added' | 'removed'): unknown =>
        changes.flatMap((change) => change[kind] ?? []).filter(({ layer }) => layer !== 'eth');
      expect(headers(at('tx', 'xr0')!, 'added')).toEqual(tunnel);
      expect(steps.flatMap((step) => headers(step, 'removed'))).toEqual(tunnel);
      expect(end).toBe('dropped');
      expect(location).toMatch(/^nf_hook_slow\+0x/);
      expect(steps.at(-1)).toMatchObject({ hook: 'drop', iface: 'xt0' });
      const seen = steps.some(({ hook }) => hook === 'tracepoint:net:netif_rx');
      expect(not_received).toEqual(seen ? [] : ['tracepoint:net:netif_rx']);
    }
    expect(summaries.find(({ hook }) => hook === 'drop')).toMatchObject({ matched: 3 });
  });

  it('an XDP program in native mode and the stack behind it have one id for a packet', async () => {
    const { a, b } = pair;
    const fs = new BpfFs();
    const device = await HookedDevice.start(b, 'native', join(fs.path, 'hook'), 'typed');
    try {
      const ends = { src: a.address4, dst: b.address4 };
      // What xdp-hook.c passes, and what it drops: its buffers are used again.
      const frames = [7002, 7001].map((dport) =>
        ethernet(
          0x0800,
          ipv4({ ...ends, protocol: 17 }, udp({ sport: 7, dport }, filler(20), ends)),
          {
            ...{ src: a.mac, dst: b.mac },
          },
        ),
      );
      const { records, stderr } = await capture(
        [
          '--track',
          '--hook',
          `xdpmap:${device.pin},rx`,
          '--netns',
          b.name,
          'udp portrange 7001-7002',
        ],
        () => {
          for (let i = 0; i < 10; i++) sendFrames(a, frames);
        },
      );
      const packets = [...byPacket(records).values()];
      expect(packets, stderr).toHaveLength(20);
      const hooks = packets.map((steps) => steps.map(({ hook }) => hook.replace(/:.*/, '')));
      expect(hooks.filter((each) => each.join() === 'xdpmap,rx')).toHaveLength(10);
      expect(hooks.filter((each) => each.join() === 'xdpmap')).toHaveLength(10);
      for (const steps of packets) expect(new Set(steps.map(({ packet }) => packet)).size).toBe(1);
    } finally {
      await device.stop();
      fs.dispose();
    }
  });

  it('gives no id to another packet at the address of one that is gone', async () => {
    const { a, b } = pair;
    const node = (at: typeof a, script: string): ChildProcess =>
      at.spawn(process.execPath, '-e', script);
    const server = node(
      b,
      `require('net').createServer((c) => c.resume().on('error', () => 0)).listen(${PORT}, () => console.log('up'))`,
    );
    await new Promise((resolve) => server.stdout?.once('data', resolve));
    const { records, stderr, summaries } = await capture(
      [
        ...['--track', '--hook', 'tx,rx,consume,drop', '--netns', a.name],
        `tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and port ${PORT}`,
      ],
      async () => {
        const client = node(
          a,
          `const { connect } = require('net'); let left = ${CONNECTIONS};
          const next = () => { if (left-- === 0) return;
            const c = connect(${PORT}, '${b.address4}', () => c.end('x'.repeat(200000))); c.on('close', next).resume(); };
          next();`,
        );
        await new Promise((resolve) => client.once('exit', resolve));
      },
    );
    server.kill();
    const seen = summaries.find(({ hook }) => hook === 'rx')?.seen ?? 0;
    expect(seen, stderr).toBeGreaterThan(5 * CONNECTIONS);
    const packets = byPacket(records);
    expect(packets.size).toBe(CONNECTIONS);
    for (const steps of packets.values()) {
      // The flags, behind Ethernet and IP: SYN and nothing else.
      for (const { packet } of steps) expect(packet.slice(2 * 47, 2 * 48)).toBe('02');
      expect(steps.map(({ hook }) => hook).slice(0, 2)).toEqual(['tx', 'rx']);
      expect(steps.length).toBeLessThanOrEqual(3);
    }
  });
});
