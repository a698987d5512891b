import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetnsPair, type Netns } from '../support/netns.ts';
import { capture, runXcap, type Captured } from '../support/tracer.ts';
import { ping, sendDatagrams } from '../support/traffic.ts';

const hasReasons = readFileSync('/sys/kernel/btf/vmlinux').includes(
  'SKB_DROP_REASON_NETFILTER_DROP',
);

let pair: NetnsPair;
beforeAll(() => {
  pair = new NetnsPair();
  pair.b.nft(`table inet t {
    chain marking { type filter hook prerouting priority 0; udp dport 9 meta mark set 0x1203; }
    chain incoming { type filter hook input priority 0; udp dport 9 drop; icmp type echo-request drop; }
  }`);
  pair.a.nft(`table inet t {
    chain outgoing { type filter hook output priority 0;
      udp dport 11 meta mark set 0x1203 drop; udp dport 12 meta mark set 0x1204 drop;
    }
  }`);
});
afterAll(() => {
  pair.dispose();
});

const SMALL = 6;
const LARGE = 4;
const PINGS = 3;
const UNRELATED = 5;
const TOTAL = SMALL + LARGE + PINGS + UNRELATED;

/** All of it is dropped in b, in a softirq: by a rule, or for want of a socket. */
function send(): void {
  const to = pair.b.address4;
  sendDatagrams(pair.a, { to, port: 9, payload: 'x'.repeat(20), count: SMALL });
  sendDatagrams(pair.a, { to, port: 9, payload: 'x'.repeat(1000), count: LARGE });
  ping(pair.a, to, PINGS);
  sendDatagrams(pair.a, { to, port: 4001, payload: 'unrelated', count: UNRELATED });
}

/** So many records, and sums that hold; what the other filters rejected is left out of account. */
function expectCount({ records, summaries, status, stderr }: Captured, count: number, of: number) {
  expect(status, stderr).toBe(0);
  const [summary] = summaries;
  expect(summary).toMatchObject({ matched: count, written: count, lost: 0, missed: 0 });
  expect(records).toHaveLength(count);
  const { netns = 0, where = 0, filter = 0 } = summary!.by;
  expect(summary!.rejected).toBe(netns + where + filter);
  expect(summary!.seen - netns).toBe(of);
  expect(where).toBe(of - count - filter);
}

async function expectMatches(where: readonly string[], count: number, ...more: string[]) {
  const options = where.flatMap((each) => ['--where', each]);
  const captured = await capture(['--netns', pair.b.name, ...options, ...more], send);
  expectCount(captured, count, TOTAL);
  return captured;
}

/** What holds for all that is dropped in b, and what holds for none; each is a term of its own. */
function known(): { readonly all: readonly string[]; readonly none: readonly string[] } {
  const { b } = pair;
  return {
    all: [
      `netns == "${b.name}"`,
      `netns == ${b.inode}`,
      'netns != self',
      'netns not in {self, 1..10}',
      `ifname == "${b.device}"`,
      `iface ~ "${b.device.slice(0, 2)}"`,
      `ifindex == ${b.ifindex}`,
      'protocol == ip',
      'context == softirq',
      'hook == drop',
      'link == ethernet',
      'packet_type == host',
      'location',
      'location != 0',
      'skb',
      '!sk',
      'skb.dev && dev',
      'skb.dev.mtu == 1500 && dev.mtu == 1500',
      'len < skb.dev.mtu',
      `skb.dev.name == "${b.device}" && dev.name ~ "${b.device}"`,
      'skb.dev.ifindex == ifindex',
      'skb.dev.nd_net.net.ns.inum == netns',
      'dev.nd_net.net.ns.inum == netns',
      'dev.rtnl_link_ops.kind == "veth" && dev.rtnl_link_ops.kind ~ "ve"',
      'skb.dev.flags & 1 != 0 && skb.dev.flags & IFF_UP',
      'skb.pkt_type == 0',
      'skb.protocol == 0x0008',
      'ntohs(skb.protocol) == 0x0800',
      'skb.skb_iif == ifindex',
      // The running task is not to blame.
      '!(comm == "send-datagrams") && !(pid > 0)',
    ],
    none: [
      'netns == self',
      `ifname == "${b.device}x"`,
      `ifname != "${b.device}"`,
      'ifname in {"lo", "x"}',
      'comm != "nobody"',
      'comm ~ "s"',
      'pid >= 0',
      'uid == 0',
      'context == process',
      'packet_type != host',
      'skb.dev.mtu != 1500',
      'skb.dev.mtu in {1, 2..1499}',
      'sk.sk_mark == 0',
      'sk.sk_mark != 0',
      'skb.dev.name ~ "lo"',
      'dev.rtnl_link_ops.kind in {"vet", "vethe", "bridge"}',
      'protocol in {ip6, arp}',
      'skb.pkt_type',
    ],
  };
}

describe('--where on packets that are dropped in a softirq', () => {
  it('finds what holds for all', async () => {
    await expectMatches(known().all, TOTAL);
  });

  it('finds what holds for all by probe reads too', async () => {
    await expectMatches(known().all, TOTAL, '--without-feature', 'tp-btf');
  });

  it('finds that what holds for none does not', async () => {
    const negated = known().none.map((each) => `!(${each})`);
    await expectMatches(negated, TOTAL);
    const { stderr } = await expectMatches([known().none.join(' || ')], 0);
    expect(stderr).toContain(`nothing captured: ${TOTAL} events rejected by where`);
  });

  const rows: readonly (readonly [string, number])[] = [
    ['mark & 0xff == 3 && skb.mark & 0xf000 == 0x1000', SMALL + LARGE],
    ['!(skb.mark == 0x1203)', PINGS + UNRELATED],
    ['len in 60..70 or len > 1000 and not mark == 0', SMALL + LARGE],
    ['len in {51, 62}', SMALL + UNRELATED],
  ];
  it.each(rows)('%s', async (where, count) => {
    await expectMatches([where], count);
  });

  it('stands before the packet filter and beside the other options', async () => {
    const { summaries } = await expectMatches(['mark == 0x1203'], LARGE, 'greater 500');
    expect(summaries[0]!.by).toMatchObject({ where: PINGS + UNRELATED, filter: SMALL });
  });

  it.runIf(hasReasons)('knows drop reasons by name', async () => {
    await expectMatches(['reason == NETFILTER_DROP'], SMALL + LARGE + PINGS);
    const { records } = await expectMatches(['reason in {NO_SOCKET, SOCKET_FILTER}'], UNRELATED);
    expect(new Set(records.map(({ reason }) => reason))).toEqual(new Set(['NO_SOCKET']));
  });

  it.runIf(!hasReasons)('says that this kernel has no reasons', async () => {
    const { status, stderr } = await runXcap(['--where', 'reason == NO_SOCKET']);
    expect(status).toBe(4);
    expect(stderr).toContain('this kernel has none');
  });

  it('knows locations as the outputs write them', async () => {
    const { records } = await expectMatches(['mark == 0'], PINGS + UNRELATED);
    const unrelated = records.filter(({ len }) => len === 51);
    const location = unrelated[0]!.location!;
    const name = location.replace(/\+.*/, '');
    expect(name).toMatch(/^[a-z_]/);
    await expectMatches([`location == "${location}" && location == "${name}"`], UNRELATED);
  });

  it('a long one loads', async () => {
    const mtus = Array.from({ length: 16 }, (_, i) => `skb.dev.mtu == ${i}`);
    const kinds = Array.from(
      { length: 8 },
      (_, i) => `dev.rtnl_link_ops.kind == "${i}${'k'.repeat(60)}"`,
    );
    const paths = Array.from({ length: 6 }, (_, i) => `sk.sk_socket.file.f_inode.i_ino == ${i}`);
    const set = Array.from({ length: 200 }, (_, i) => `${i * 3}`).join(', ');
    await expectMatches([[...mtus, ...kinds, ...paths, `len in {${set}}`].join(' || ')], UNRELATED);
  });
});

/** A shell in `ns` under another name that sends a datagram per line that it reads: `PORT WORD`. */
function startSender(ns: Netns, comm: string, to: string): ChildProcess {
  const script = `printf ${comm} >/proc/self/comm
    while read -r port word; do echo "$word" >/dev/udp/${to}/$port; done`;
  const [program = '', ...args] = ns.command(['bash', '-c', script]);
  return spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'] });
}

function finish(sender: ChildProcess, lines: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    sender.once('exit', () => {
      resolve();
    });
    sender.stdin?.end(`${lines.join('\n')}\n`);
  });
}

describe('--where on packets that a process sends', () => {
  const lines = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => [`11 ${name}${i}`, `12 ${name}x`]).flat();

  async function captureSenders(where: (pid: number) => string): Promise<Captured> {
    const to = pair.b.address4;
    const [curl, known, other] = ['curl', 'known', 'other'].map((comm) =>
      startSender(pair.a, comm, to),
    ) as [ChildProcess, ChildProcess, ChildProcess];
    return capture(['--netns', pair.a.name, '--where', where(known.pid!)], async () => {
      const jobs = [finish(curl, lines('curl', 5)), finish(known, lines('known', 3))];
      await Promise.all([...jobs, finish(other, lines('other', 4))]);
    });
  }
  const words = ({ records }: Captured): string[] =>
    records.map(({ packet }) => Buffer.from(packet, 'hex').subarray(28).toString().trim()).sort();

  it('finds what the example asks for', async () => {
    const reason = hasReasons ? 'reason == NETFILTER_DROP' : 'location';
    const captured = await captureSenders(
      (pid) =>
        `${reason} && netns != self && (comm == "curl" || pid in ${pid}..${pid}) && skb.mark & 0xff == 3`,
    );
    expectCount(captured, 8, 24);
    const expected = [0, 1, 2, 3, 4].map((i) => `curl${i}`);
    expect(words(captured)).toEqual([...expected, 'known0', 'known1', 'known2']);
  });

  it('follows the socket, and knows enumerators of the kernel', async () => {
    const captured = await captureSenders((pid) =>
      [
        `sk && skb.sk && tid != ${pid} && context == process && uid == 0`,
        'sk.sk_protocol == IPPROTO_UDP && sk.sk_type == SOCK_DGRAM && sk.sk_prot.name == "UDP"',
        'ntohs(sk.sk_dport) == 11 && ntohl(sk.sk_daddr) == 0x0a090002',
        'sk.sk_socket.file && sk.sk_socket.type == SOCK_DGRAM && sk.sk_bound_dev_if == 0',
        'comm ~ "oth"',
      ].join(' && '),
    );
    expectCount(captured, 4, 24);
    expect(words(captured)).toEqual(['other0', 'other1', 'other2', 'other3']);
  });
});

it('an error shows the place and the nearest name', async () => {
  const { status, stderr } = await runXcap(['--where', 'mark == 3 && skb.dev.mtuu == 1']);
  expect(status).toBe(2);
  expect(stderr.split('\n').slice(0, 4)).toEqual([
    'xcap: reading --where: mtuu: struct net_device of this kernel has no such member',
    '  mark == 3 && skb.dev.mtuu == 1',
    '                       ^',
    expect.stringContaining('did you mean mtu'),
  ]);
});
