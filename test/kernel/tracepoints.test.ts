import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { proved } from '../support/hook-table.ts';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, filler, ipv4, udp } from '../support/packets.ts';
import { capture, runXcap, Tracer } from '../support/tracer.ts';
import { connectTcp, sendFrames } from '../support/traffic.ts';

const COUNT = 7;
let pair: NetnsPair;
let folder: string;
let frame: Uint8Array;
let other: Uint8Array;
beforeAll(() => {
  pair = new NetnsPair();
  folder = mkdtempSync(join(tmpdir(), 'xcap-tracepoints-'));
  const ends = { src: pair.a.address4, dst: pair.b.address4 };
  const datagram = (dport: number): Uint8Array =>
    ethernet(0x0800, ipv4({ ...ends, protocol: 17 }, udp({ sport: 7, dport }, filler(60), ends)), {
      src: pair.a.mac,
      dst: pair.b.mac,
    });
  frame = datagram(9);
  other = datagram(10);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  pair.dispose();
});

const send = (): void => {
  sendFrames(pair.a, [frame, other], { count: COUNT });
};

describe('tracepoint:CATEGORY:NAME', () => {
  it('sees the packets that match, each once, and counts the others', async () => {
    const { records, summaries, stderr } = await capture(
      ['--hook', 'tracepoint:net:netif_rx', '--netns', pair.b.name, 'udp port 9'],
      send,
    );
    const hex = Buffer.from(frame).toString('hex');
    expect(records.map(({ hook, packet }) => [hook, packet])).toEqual(
      Array.from({ length: COUNT }, () => ['tracepoint:net:netif_rx', hex]),
    );
    expect(summaries[0]).toMatchObject({
      hook: 'tracepoint:net:netif_rx',
      matched: COUNT,
      written: COUNT,
      by: { filter: COUNT },
      missed: 0,
    });
    proved('tracepoint', stderr);
  });

  it('is found beside logical hooks, in the order of time', async () => {
    const names = ['tx', 'tracepoint:net:netif_rx', 'rx'];
    const { records } = await capture(
      ['--hook', names.join(','), '--netns', pair.a.name, '--netns', pair.b.name, 'udp port 9'],
      () => void sendFrames(pair.a, [frame], { count: 1 }),
    );
    expect(records.map(({ hook }) => hook)).toEqual(names);
  });

  it('without a packet gives the addresses of the socket, and the packet that it would send', async () => {
    const port = 4321;
    const { records, summaries } = await capture(
      ['--hook', 'tracepoint:sock:inet_sock_set_state', '--netns', pair.a.name],
      () => void connectTcp(pair.a, pair.b.address4, port),
    );
    // Nobody listens: a reset ends what the connect began.
    const expected = { raddr: pair.b.address4, rport: port, family: 'inet', protocol: 6 };
    const made = { synth: 'eth,ip,tcp', link: 'ethernet', len: 54, caplen: 54 };
    expect(records).toHaveLength(2);
    for (const record of records) {
      expect(record).toMatchObject({ ...expected, ...made, netns: pair.a.inode });
    }
    // Numbers are known once the other end has told its own.
    const { lport = 0 } = records[1]!;
    const ports = Buffer.from([lport >> 8, lport & 0xff, port >> 8, port & 0xff]).toString('hex');
    expect(records[1]!.packet).toBe(
      `${'00'.repeat(12)}08004500002800000000000600000a0900010a090002${ports}` +
        `${'00'.repeat(8)}5000${'00'.repeat(6)}`,
    );
    expect(records[0]).toMatchObject({ comm: 'bash', context: 'process', state: 'CLOSE' });
    expect(records[1]).toMatchObject({ laddr: pair.a.address4, state: 'SYN_SENT' });
    expect(summaries[0]).toMatchObject({ seen: 2, written: 2, lost: 0 });
  });

  it('of a socket is where the program puts it behind what --rule and --who add to events', async () => {
    const { records } = await capture(
      [
        ...['--hook', 'tracepoint:sock:inet_sock_set_state,drop', '--netns', pair.a.name],
        ...['--rule', '--who', 'all'],
      ],
      () => void connectTcp(pair.a, pair.b.address4, 4323),
    );
    const sockets = records.filter(({ hook }) => hook !== 'drop');
    expect(sockets).toHaveLength(2);
    for (const record of sockets) {
      expect(record).toMatchObject({ family: 'inet', raddr: pair.b.address4, rport: 4323 });
      expect(record.packet.slice(0, 30)).toBe(`${'00'.repeat(12)}080045`);
    }
  });

  it('of a socket is asked by an expression as that packet', async () => {
    const { records, summaries } = await capture(
      [
        ...['--hook', 'tracepoint:sock:inet_sock_set_state', '--netns', pair.a.name],
        'outbound and tcp dst port 4322 and dst host 10.9.0.2 and ip[2:2] = 40 and len = 54',
      ],
      () => {
        connectTcp(pair.a, pair.b.address4, 4322);
        connectTcp(pair.a, pair.b.address4, 4323);
      },
    );
    expect(records.map(({ rport }) => rport)).toEqual([4322, 4322]);
    expect(summaries[0]).toMatchObject({ seen: 4, by: { filter: 2 } });
  });

  it('of a socket is in a pcapng file as a comment, and in a line of text', async () => {
    const file = join(folder, 'sockets.pcapng');
    const tracer = await Tracer.start([
      ...['--hook', 'tracepoint:sock:inet_sock_set_state', '--netns', pair.a.name],
      ...['-w', file, '--print', '-t'],
    ]);
    connectTcp(pair.a, pair.b.address4, 4323);
    const { stdout } = await tracer.stop();
    expect(stdout.trim().split('\n')[1]).toMatch(
      /^xa0@\S+ tracepoint:sock:inet_sock_set_state .* IP 10\.9\.0\.1\.\d+ > 10\.9\.0\.2\.4323: Flags \[none\], win 0, length 0 \[synth=eth,ip,tcp state=SYN_SENT\]$/,
    );
    const tshark = spawnSync('tshark', ['-r', file, '-T', 'fields', '-e', 'frame.comment'], {
      encoding: 'utf8',
    });
    const comments = tshark.stdout.trim().split('\n');
    expect(comments).toHaveLength(2);
    expect(comments[1]).toMatch(
      / laddr=10\.9\.0\.1 lport=\d+ raddr=10\.9\.0\.2 rport=4323 family=inet protocol=6 state=SYN_SENT synth=eth,ip,tcp$/,
    );
  });
});

describe('a profile', () => {
  it('traces what this kernel has of it, and says with -v what it chose', async () => {
    const { records, summaries, stderr } = await capture(
      ['--hook', 'profile:receive', '-v', '--netns', pair.b.name, 'udp port 9'],
      send,
    );
    expect(stderr).toMatch(/^xcap: profile:receive: rx \(net:netif_receive_skb, BTF-typed\), /m);
    expect(stderr).toMatch(/tracing profile:receive \(\d+ hooks, BTF-typed/);
    expect(records.filter(({ hook }) => hook === 'rx')).toHaveLength(COUNT);
    const total = summaries.find(({ hook }) => hook === 'profile:receive');
    expect(total).toMatchObject({ matched: records.length, lost: 0 });
  });
});

describe('consume', () => {
  it('sees packets that reach their reader, and no dropped ones', async () => {
    pair.b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '9', '-j', 'DROP');
    const { records, summaries } = await capture(
      ['--hook', 'consume,drop', '--netns', pair.b.name, 'icmp or udp port 9'],
      () => {
        send();
        pair.a.exec('ping', '-n', '-c', '3', '-i', '0.05', pair.b.address4);
      },
    );
    const of = (hook: string): number => records.filter((record) => record.hook === hook).length;
    expect(of('drop')).toBe(COUNT);
    // The echo requests; the replies are freed in the other namespace.
    expect(of('consume')).toBeGreaterThanOrEqual(3);
    const consumed = records.filter(({ hook }) => hook === 'consume');
    expect(consumed.every(({ reason, location }) => (reason ?? location) === undefined)).toBe(true);
    expect(
      consumed.some(({ packet }) => packet.includes(Buffer.from(filler(60)).toString('hex'))),
    ).toBe(false);
    expect(summaries.map(({ hook }) => hook)).toEqual(['consume', 'drop']);
  });
});

describe('a tracepoint that cannot be hooked', () => {
  it.each([
    [
      'tracepoint:net:netif_rxx',
      1,
      /: this kernel has no such tracepoint$/,
      /did you mean netif_rx/,
    ],
    ['tracepoint:net', 1, /: no name of a tracepoint$/, /tracepoint:CATEGORY:NAME/],
    ['tracepoint:sched:sched_switch', 4, /no argument that is a packet or a socket/, /xcap hooks/],
  ] as const)('%s is told apart', async (name, status, message, hint) => {
    const outcome = await runXcap(['--hook', name]);
    const [first = '', second = ''] = outcome.stderr.split('\n');
    expect(first).toMatch(/^xcap: choosing hooks: /);
    expect(first).toMatch(message);
    expect(second).toMatch(hint);
    expect(outcome.status).toBe(status);
  });
});
