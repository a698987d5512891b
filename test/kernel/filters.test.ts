import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Netns, NetnsPair } from '../support/netns.ts';
import {
  arp,
  bytes,
  ethernet,
  filler,
  icmp,
  icmp6,
  ipv4,
  ipv6,
  tcp,
  u16,
  udp,
} from '../support/packets.ts';
import { capture, runXcap, type Captured } from '../support/tracer.ts';
import { sendDatagrams, sendFrames } from '../support/traffic.ts';

const hasReasons = readFileSync('/sys/kernel/btf/vmlinux').includes(
  'SKB_DROP_REASON_NETFILTER_DROP',
);

/** Datagrams to a port without a socket: dropped in the same namespace, asked for by nobody. */
const UNRELATED = 30;

type Kind = 'icmp' | 'icmp7' | 'icmpBig' | 'icmp6' | 'udp' | 'udp6' | 'tcp' | 'arp';
const COUNTS: Readonly<Record<Kind, number>> = {
  icmp: 8,
  icmp7: 5,
  icmpBig: 4,
  icmp6: 6,
  udp: 7,
  udp6: 3,
  tcp: 5,
  arp: 4,
};

let pair: NetnsPair;
let frames: { kind: Kind; hex: string }[];

beforeAll(() => {
  pair = new NetnsPair();
  // Everything that the table sends is dropped by this rule, but for ARP, which is malformed.
  pair.b.nft(`table inet t {
    chain marking { type filter hook prerouting priority 0;
      meta nfproto ipv4 udp dport 9 meta mark set 0x25
    }
    chain incoming { type filter hook input priority 0;
      icmp type echo-request drop; icmpv6 type echo-request drop; udp dport 9 drop; tcp dport 81 drop;
    }
  }`);
  frames = (Object.keys(COUNTS) as Kind[]).flatMap((kind) =>
    Array.from({ length: COUNTS[kind] }, (_, i) => ({
      kind,
      hex: Buffer.from(buildFrame(pair, kind, i)).toString('hex'),
    })),
  );
});
afterAll(() => {
  pair.dispose();
});

function buildFrame({ a, b }: NetnsPair, kind: Kind, i: number): Uint8Array {
  const link = { src: a.mac, dst: b.mac };
  const four = { src: a.address4, dst: b.address4 };
  const six = { src: a.address6, dst: b.address6, version: 6 as const };
  const echo = bytes(u16(7, i + 1), filler(32 + i));
  switch (kind) {
    case 'icmp':
      return ethernet(0x0800, ipv4({ ...four, protocol: 1 }, icmp(8, 0, echo)), link);
    case 'icmp7':
      return ethernet(
        0x0800,
        ipv4({ ...four, src: '10.9.0.7', protocol: 1 }, icmp(8, 0, echo)),
        link,
      );
    case 'icmpBig':
      return ethernet(
        0x0800,
        ipv4({ ...four, protocol: 1 }, icmp(8, 0, bytes(u16(8, i + 1), filler(1200)))),
        link,
      );
    case 'icmp6':
      return ethernet(0x86dd, ipv6({ ...six, next: 58 }, icmp6(128, 0, echo, six)), link);
    case 'udp':
      return ethernet(
        0x0800,
        ipv4({ ...four, protocol: 17 }, udp({ sport: 4000 + i, dport: 9 }, filler(20), four)),
        link,
      );
    case 'udp6':
      return ethernet(
        0x86dd,
        ipv6({ ...six, next: 17 }, udp({ sport: 4000 + i, dport: 9 }, filler(20), six)),
        link,
      );
    case 'tcp':
      return ethernet(
        0x0800,
        ipv4({ ...four, protocol: 6 }, tcp({ sport: 5000 + i, dport: 81, flags: 2 }, [], four)),
        link,
      );
    case 'arp': {
      // A hardware address of 5 bytes: arp_rcv() drops it.
      const packet = arp({ operation: 1, sender: a.address4, target: b.address4 });
      packet[4] = 5;
      packet[27] = i;
      return ethernet(0x0806, packet, link);
    }
  }
}

function send(): void {
  sendDatagrams(pair.a, { to: pair.b.address4, port: 4001, payload: 'unrelated', count: 15 });
  sendFrames(
    pair.a,
    frames.map(({ hex }) => Buffer.from(hex, 'hex')),
  );
  sendDatagrams(pair.a, { to: pair.b.address4, port: 4001, payload: 'unrelated', count: 15 });
}

/** Exactly the frames of `kinds`, byte by byte, and `unrelated` others; sums that hold. */
function expectFrames(
  { records, summaries, status, stderr }: Captured,
  kinds: readonly Kind[],
  unrelated: number,
): void {
  expect(status, stderr).toBe(0);
  const packets = records.map((record) => record.packet);
  const others = packets.filter((packet) => !frames.some(({ hex }) => hex === packet));
  const own = packets.filter((packet) => frames.some(({ hex }) => hex === packet));
  const wanted = frames.filter(({ kind }) => kinds.includes(kind)).map(({ hex }) => hex);
  expect([...own].sort()).toEqual([...wanted].sort());
  expect(others.length, `others: ${others.slice(0, 3).join(' ')}`).toBe(unrelated);
  for (const other of others) expect(other).toContain(Buffer.from('unrelated').toString('hex'));
  for (const record of records) expect(record.len).toBe(record.packet.length / 2);
  const total = frames.length + UNRELATED;
  const matched = wanted.length + unrelated;
  const [summary] = summaries;
  expect(summary).toMatchObject({ matched, written: matched, lost: 0, missed: 0 });
  // Drops of other namespaces of the machine are seen too, and rejected.
  const elsewhere = summary!.by['netns'] ?? 0;
  expect(summary!.seen - elsewhere).toBe(total);
  expect(summary!.rejected - elsewhere).toBe(total - matched);
}

const ALL = Object.keys(COUNTS) as Kind[];
const SIXTY_TERMS = [
  ...Array.from({ length: 59 }, (_, i) => `host 10.200.${i}.1`),
  'host 10.9.0.7',
].join(' or ');

const TABLE: readonly (readonly [expression: string, kinds: readonly Kind[], unrelated: number])[] =
  [
    ['icmp', ['icmp', 'icmp7', 'icmpBig'], 0],
    ['tcp', ['tcp'], 0],
    ['icmp and host 10.9.0.2', ['icmp', 'icmp7', 'icmpBig'], 0],
    ['icmp and src host 10.9.0.7', ['icmp7'], 0],
    ['greater 1000', ['icmpBig'], 0],
    ['ip6', ['icmp6', 'udp6'], 0],
    ['arp', ['arp'], 0],
    [SIXTY_TERMS, ['icmp7'], 0],
    ['', ALL, UNRELATED],
    ['udp port 9', ['udp', 'udp6'], 0],
    ['not icmp and not ip6', ['udp', 'tcp', 'arp'], UNRELATED],
    ['tcp[tcpflags] & tcp-syn != 0 and dst port 81', ['tcp'], 0],
  ];

/** A capture takes ten seconds in an emulated guest: there only the rows that differ in kind. */
const inGuest = process.env['XCAP_GUEST'] !== undefined;
const GUEST_ROWS = [
  'icmp',
  'icmp and host 10.9.0.2',
  'greater 1000',
  'ip6',
  'arp',
  SIXTY_TERMS,
  '',
];
const rowsHere = TABLE.filter(([expression]) => !inGuest || GUEST_ROWS.includes(expression));

describe('a filter at the drop hook', () => {
  it.each(rowsHere)('%s', async (expression, kinds, unrelated) => {
    const captured = await capture(
      ['--hook', 'kfree_skb_reason', '--netns', pair.b.name, ...(expression ? [expression] : [])],
      send,
    );
    expectFrames(captured, kinds, unrelated);
  });

  it.each([
    ['tcp[tcpflags] & tcp-syn != 0 and dst port 81', ['tcp']],
    ['icmp[icmptype] == icmp-echo and ip[2:2] > 0', ['icmp', 'icmp7', 'icmpBig']],
  ] as const)(
    '%s: the same where each read of kernel memory is a call',
    async (expression, kinds) => {
      const [direct, called] = [
        await capture(['--netns', pair.b.name, expression], send),
        await capture(
          ['--netns', pair.b.name, '--without-feature', 'rdonly-cast', expression],
          send,
        ),
      ];
      expectFrames(direct, kinds, 0);
      expectFrames(called, kinds, 0);
    },
  );
});

describe('a metadata filter', () => {
  const rows: readonly (readonly [string, () => string[], readonly Kind[], number])[] = [
    ['--mark', () => ['--mark', '0x25'], ['udp'], 0],
    ['--mark with a mask', () => ['--mark', '0x5/0xf'], ['udp'], 0],
    ['--mark, negated', () => ['--mark', '!0x25'], ALL.filter((kind) => kind !== 'udp'), UNRELATED],
    ['--ifname of the device', () => ['--ifname', pair.b.device, 'icmp6'], ['icmp6'], 0],
    ['--ifname of another', () => ['--ifname', `${pair.b.device}x`], [], 0],
    [
      '-i of the device',
      () => ['-i', `${pair.b.device}@${pair.b.name}`, 'udp port 9'],
      ['udp', 'udp6'],
      0,
    ],
    ['--comm outside process context', () => ['--comm', 'send-frames'], [], 0],
  ];
  const GUEST_OPTIONS = ['--mark', '-i of the device', '--ifname of the device'];
  it.each(rows.filter(([name]) => !inGuest || GUEST_OPTIONS.includes(name)))(
    '%s',
    async (_name, args, kinds, unrelated) => {
      expectFrames(await capture(['--netns', pair.b.name, ...args()], send), kinds, unrelated);
    },
  );

  it('--comm says that events outside process context are nobody’s', async () => {
    const { stderr, summaries } = await capture(
      ['--netns', pair.b.name, '--comm', 'send-frames'],
      send,
    );
    expect(summaries[0]!.by).toMatchObject({ 'no process context': frames.length + UNRELATED });
    expect(stderr).toContain('nothing captured');
  });

  it('--netns of another namespace sees nothing and says why', async () => {
    const { records, stderr } = await capture(['--netns', pair.a.name, 'udp port 9'], send);
    expect(records).toEqual([]);
    expect(stderr).toContain('nothing captured');
  });

  it.runIf(hasReasons)('--reason', async () => {
    const noSocket = await capture(['--netns', pair.b.name, '--reason', 'no_socket'], send);
    expectFrames(noSocket, [], UNRELATED);
    expect(new Set(noSocket.records.map((record) => record.reason))).toEqual(
      new Set(['NO_SOCKET']),
    );
    const others = await capture(
      ['--netns', pair.b.name, '--reason', '!NETFILTER_DROP', 'udp or tcp or icmp or icmp6'],
      send,
    );
    expectFrames(others, [], UNRELATED);
  });

  it.runIf(!hasReasons)('--reason is refused where the kernel has none', async () => {
    const { status, stderr } = await runXcap(['--reason', 'NO_SOCKET']);
    expect(status).toBe(4);
    expect(stderr).toContain('this kernel has none');
  });
});

/** A shell in `ns` that sends one datagram per line it is told to, itself: its pid is known before. */
function startSender(ns: Netns, to: string): ChildProcess {
  const script = `while read -r word; do echo "$word" >/dev/udp/${to}/9; done`;
  const [program = '', ...args] = ns.command(['bash', '-c', script]);
  return spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'] });
}

function finish(sender: ChildProcess, words: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    sender.once('exit', () => {
      resolve();
    });
    sender.stdin?.end(`${words.join('\n')}\n`);
  });
}

describe('a filter on the process', () => {
  beforeAll(() => {
    pair.a.nft(
      'table inet o { chain outgoing { type filter hook output priority 0; udp dport 9 drop; }; }',
    );
  });
  afterAll(() => {
    pair.a.exec('nft', 'flush', 'ruleset');
  });

  it.each(['--pid', '--tid'])('%s takes the events of one process only', async (option) => {
    const one = startSender(pair.a, pair.b.address4);
    const other = startSender(pair.a, pair.b.address4);
    const words = (name: string): string[] => Array.from({ length: 12 }, (_, i) => `${name}${i}`);
    const { records, summaries } = await capture(
      ['--netns', pair.a.name, option, String(one.pid), 'udp port 9'],
      async () => {
        // One after the other: where tracepoints leave preemption on, one could make the other's
        // event missed.
        await finish(one, words('one'));
        await finish(other, words('other'));
      },
    );
    const payloads = records.map((record) =>
      Buffer.from(record.packet, 'hex').subarray(28).toString().trim(),
    );
    expect(payloads).toEqual(words('one'));
    for (const record of records) {
      expect(record).toMatchObject({
        pid: one.pid,
        tid: one.pid,
        comm: 'bash',
        context: 'process',
      });
    }
    expect(summaries[0]!.by).toMatchObject({ [option.slice(2)]: 12 });
  });

  it('--comm takes the events of a command, --comm ! those of others', async () => {
    const run = async (filter: string): Promise<Captured> =>
      capture(['--netns', pair.a.name, '--comm', filter, 'udp port 9'], async () => {
        await finish(startSender(pair.a, pair.b.address4), ['x', 'y', 'z']);
        sendDatagrams(pair.a, { to: pair.b.address4, port: 9, payload: 'w', count: 2 });
      });
    expect((await run('bash')).records).toHaveLength(3);
    const others = (await run('!bash')).records;
    expect(others.map((record) => record.comm)).toEqual(['send-datagrams', 'send-datagrams']);
  });
});
