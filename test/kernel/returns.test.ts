import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { proved } from '../support/hook-table.ts';
import { kernel } from '../support/kernel-features.ts';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, filler, ipv4, udp } from '../support/packets.ts';
import { capture, runXcap, type JsonRecord } from '../support/tracer.ts';
import {
  buildSender,
  connectTcp,
  ping,
  runTogether,
  sendDatagrams,
  sendFrames,
} from '../support/traffic.ts';

const COUNT = 5;
const OTHER = 3;
const PAYLOAD = filler(60);
/** 10.9.0.1 port 7 to 10.9.0.2 port 9, from the IP header on. */
let datagram: Uint8Array;
let frame: Uint8Array;

let pair: NetnsPair;
beforeAll(() => {
  pair = new NetnsPair();
  const ends = { src: pair.a.address4, dst: pair.b.address4 };
  datagram = ipv4({ ...ends, protocol: 17 }, udp({ sport: 7, dport: 9 }, PAYLOAD, ends));
  frame = ethernet(0x0800, datagram, { src: pair.a.mac, dst: pair.b.mac });
});
afterAll(() => {
  pair.dispose();
});

const PREFIXES = [...(kernel.fentry ? ['fexit'] : []), ...(kernel.kprobe ? ['kretprobe'] : [])];
const able = PREFIXES.length > 0;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Waits for a datagram that never comes, once it is told to read. */
class Reader {
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;

  constructor({ a, b }: NetnsPair) {
    const script = `exec 3<>/dev/udp/${b.address4}/11; read; read -u 3`;
    const [program = '', ...args] = a.command(['bash', '-c', script]);
    this.#child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] });
    this.#gone = new Promise((resolve) => this.#child.once('close', resolve));
  }

  async read(): Promise<void> {
    this.#child.stdin?.end('\n');
    // Number and arguments of the system call that it waits in: read() of the socket.
    const call = (): string => readFileSync(`/proc/${this.#child.pid}/syscall`, 'utf8');
    while (!/^\d+ 0x3 /.test(call())) await sleep(20);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#gone;
  }
}

describe.skipIf(!able).each(PREFIXES)('what functions return, by %s', (prefix) => {
  const at = (records: readonly JsonRecord[], name: string): readonly JsonRecord[] =>
    records.filter(({ hook }) => hook === `${prefix}:${name}`);

  it('is told with the packet as it was at the entry, though it is freed by then', async () => {
    pair.b.iptables('-F', 'INPUT');
    pair.b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '9', '-j', 'DROP');
    const { records, summaries, stderr } = await capture(
      ['--hook', `${prefix}:nf_hook_slow`, '--netns', pair.b.name, 'udp'],
      () => {
        sendFrames(pair.a, [frame], { count: COUNT });
        ping(pair.a, pair.b.address4, OTHER);
        expect(sendDatagrams(pair.a, { to: pair.b.address4, port: 10, payload: 'x' })).toBe(1);
      },
    );
    expect(stderr).toContain(`tracing nf_hook_slow (${prefix}), `);
    const dropped = records.filter(({ ret }) => ret === '-EPERM');
    expect(dropped).toHaveLength(COUNT);
    for (const { packet, context, iface, duration_ns: duration = 0 } of dropped) {
      expect(packet).toBe(hex(frame));
      expect([context, iface]).toEqual(['softirq', 'xb0']);
      expect(duration).toBeGreaterThan(0);
    }
    // The one to port 10 was let through: 1 says that the caller goes on.
    expect(records.filter(({ ret }) => ret === '1')).toHaveLength(1);
    const [summary] = summaries;
    expect(summary).toMatchObject({
      ...{ matched: COUNT + 1, written: COUNT + 1, lost: 0, missed: 0, unreturned: 0 },
      by: { filter: expect.any(Number) as number },
    });
    expect(summary?.by['filter']).toBeGreaterThanOrEqual(OTHER);
    proved(prefix === 'fexit' ? 'fexit' : 'kretprobe', stderr);
  });

  it('is decoded by its type', async () => {
    const names = ['loopback_xmit', 'skb_clone', 'skb_scrub_packet', 'icmp_rcv'];
    const { records, stderr } = await capture(
      ['--hook', names.map((name) => `${prefix}:${name}`).join(','), '--netns', pair.a.name],
      () => {
        // By lo: request and reply.
        expect(ping(pair.a, pair.a.address4, COUNT)).toBe(COUNT);
        connectTcp(pair.a, pair.b.address4, 4331);
      },
    );
    const values = (name: string): unknown[] => at(records, name).map(({ ret }) => ret);
    expect(values('loopback_xmit')).toEqual(Array(2 * COUNT).fill('NETDEV_TX_OK'));
    // Requests are answered: 0 is NET_RX_SUCCESS.
    expect(values('icmp_rcv')).toHaveLength(2 * COUNT);
    expect(values('icmp_rcv').filter((ret) => ret === '0').length).toBeGreaterThanOrEqual(COUNT);
    // TCP sends a clone of what it keeps.
    expect(values('skb_clone').length).toBeGreaterThan(0);
    for (const ret of values('skb_clone')) expect(ret).toMatch(/^0xffff[0-9a-f]{12}$/);
    expect(stderr).toContain(`xcap: ${prefix}:skb_scrub_packet: it returns no value: `);
    expect(at(records, 'skb_scrub_packet').length).toBeGreaterThan(0);
    for (const record of at(records, 'skb_scrub_packet')) {
      expect(record.ret).toBeUndefined();
      expect(record.duration_ns).toBeGreaterThan(0);
    }
  });

  it('comes from the inner to the outer of activations on one stack', async () => {
    // The reply is sent before sending the request has ended: in the softirq that its end runs.
    const hook = `${prefix}:ip_output`;
    const { records, summaries } = await capture(
      ['--hook', hook, '--netns', pair.a.name, '--netns', pair.b.name, 'icmp'],
      () => void ping(pair.a, pair.b.address4, COUNT),
    );
    expect(summaries).toEqual([
      expect.objectContaining({ seen: 2 * COUNT, written: 2 * COUNT, missed: 0, unreturned: 0 }),
    ]);
    const of = (type: string): readonly JsonRecord[] =>
      records.filter(({ packet }) => packet.startsWith(type, 40));
    const [requests, replies] = [of('0800'), of('0000')];
    expect([requests.length, replies.length]).toEqual([COUNT, COUNT]);
    for (const request of requests) {
      expect(request).toMatchObject({ context: 'process', comm: 'ping', ret: '0' });
    }
    const entered = ({ time, duration_ns: duration = 0 }: JsonRecord): bigint =>
      BigInt(time) - BigInt(duration);
    const nested = replies.filter((reply, i) => {
      const request = requests[i];
      if (request === undefined || reply.context !== 'softirq') return false;
      return entered(request) < entered(reply) && BigInt(reply.time) < BigInt(request.time);
    });
    // Unless another interrupt, or ksoftirqd, was quicker.
    expect(nested.length).toBeGreaterThan(0);
    const times = records.map(({ time }) => BigInt(time));
    expect(times).toEqual([...times].sort((x, y) => (x < y ? -1 : 1)));
  });

  it('is not there while a function has not returned, which the summary says', async () => {
    const first = new Reader(pair);
    const second = new Reader(pair);
    const readers = [first, second];
    try {
      const { records, summaries } = await capture(
        ['--hook', `${prefix}:udp_recvmsg`, '--netns', pair.a.name],
        async () => {
          for (const reader of readers) await reader.read();
          await first.stop();
        },
      );
      expect(summaries).toEqual([
        expect.objectContaining({ matched: 1, written: 1, missed: 0, unreturned: 1 }),
      ]);
      // A signal ended it: ERESTARTSYS, which user space never sees.
      expect(records).toEqual([
        expect.objectContaining({
          ...{ family: 'inet', rport: 11, raddr: pair.b.address4, comm: 'bash' },
          ret: expect.stringMatching(/^-(512|ERESTARTSYS)$/) as string,
        }),
      ]);
    } finally {
      for (const reader of readers) await reader.stop();
    }
  });
});

describe.skipIf(PREFIXES.length < 2)('kretprobe and fexit', () => {
  it('agree', async () => {
    pair.b.iptables('-F', 'INPUT');
    pair.b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '9', '-j', 'DROP');
    const { records, summaries } = await capture(
      ['--hook', 'fexit:nf_hook_slow,kretprobe:nf_hook_slow', '--netns', pair.b.name, 'ip'],
      () => {
        ping(pair.a, pair.b.address4, OTHER);
        sendFrames(pair.a, [frame], { count: COUNT });
      },
    );
    const of = (hook: string): unknown[] =>
      records.filter((each) => each.hook === hook).map(({ ret, packet }) => ({ ret, packet }));
    expect(of('fexit:nf_hook_slow')).toEqual(of('kretprobe:nf_hook_slow'));
    expect(of('fexit:nf_hook_slow').length).toBeGreaterThanOrEqual(COUNT + OTHER);
    for (const summary of summaries) expect(summary).toMatchObject({ missed: 0, unreturned: 0 });
  });
});

const EACH = process.env['XCAP_GUEST'] === undefined ? 20_000 : 2_500;
/** Apart in size, so that bytes of two activations would show. */
const PROCESS_PAYLOAD = 'p'.repeat(700);
/** A kprobe that is kept out is counted there only. */
const FLOODED = PREFIXES.filter((prefix) => prefix === 'fexit' || kernel.kprobeMisses);

/** Of the flood, until an activation comes in the middle of another. */
const ATTEMPTS = 4;

describe.skipIf(!able || cpus().length < 2).each(FLOODED)('%s under two floods', (prefix) => {
  it('has each activation whole, or tells that it is missing', async () => {
    // Without an interruption it shows nothing: on a busy machine the senders may not meet.
    let interruptions = 0;
    for (let attempt = 0; attempt < ATTEMPTS && interruptions === 0; attempt += 1) {
      interruptions = await flood(prefix);
    }
    expect(interruptions).toBeGreaterThan(0);
  });
});

/** Three senders at once; each activation whole or told. How many interrupted another sender's. */
async function flood(prefix: string): Promise<number> {
  const { a, b } = pair;
  a.iptables('-F', 'OUTPUT');
  a.iptables('-A', 'OUTPUT', '-p', 'udp', '--dport', '9', '-j', 'DROP');
  b.iptables('-F', 'INPUT');
  b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '10', '-j', 'DROP');
  // What CPU 1 sends is received on CPU 0, in the middle of whatever runs there.
  b.exec('sh', '-c', `echo 1 > /sys/class/net/${b.device}/queues/rx-0/rps_cpus`);
  const other = ethernet(
    0x0800,
    ipv4(
      { src: a.address4, dst: b.address4, protocol: 17 },
      udp({ sport: 7, dport: 10, checksum: 0 }, filler(200)),
    ),
    { src: a.mac, dst: b.mac },
  );
  const sender = buildSender('send-datagrams');
  const datagrams = [
    a.command(['taskset', '-c', '0', sender, b.address4, '9', String(EACH), '0']),
    PROCESS_PAYLOAD,
  ] as const;
  const { records, summaries } = await capture(
    [
      ...['--hook', `${prefix}:nf_hook_slow`, '--netns', a.name, '--netns', b.name],
      ...['-B', '65536', 'udp port 9 or udp port 10'],
    ],
    async () => {
      await runTogether([
        datagrams,
        datagrams,
        [
          a.command([
            ...['taskset', '-c', '1', buildSender('send-frames')],
            ...[a.device, String(EACH), '0'],
          ]),
          `${hex(other)}\n`,
        ],
      ]);
      for (let i = 0; i < 40; i++) {
        const rules = b.exec('iptables-legacy', '-nvxL', 'INPUT');
        if (Number(/^\s*(\d+) .*DROP/m.exec(rules)?.[1]) >= EACH) break;
        await sleep(50);
      }
    },
  );
  const [summary] = summaries;
  expect(summary!.lost).toBe(0);
  expect(summary!.matched + summary!.missed + summary!.unreturned).toBe(3 * EACH);
  expect(summary!.matched).toBe(records.length);
  expect(records.length).toBeGreaterThan(EACH);
  expect(new Set(records.map(({ ret }) => ret))).toEqual(new Set(['-EPERM']));
  const payload = Buffer.from(PROCESS_PAYLOAD).toString('hex');
  const frames = records.filter(({ packet }) => packet === hex(other));
  const ofTasks = records.filter(({ packet }) => packet.slice(56) === payload);
  expect(frames.length + ofTasks.length).toBe(records.length);
  expect(new Set(ofTasks.map(({ comm, context }) => `${comm} ${context ?? ''}`))).toEqual(
    new Set(['send-datagrams process']),
  );
  return frames.filter(({ comm }) => comm === 'send-datagrams').length;
}

describe('return hooks that cannot be had', () => {
  it('are told in a line, with a remedy', async () => {
    const { status, stderr } = await runXcap(['--hook', 'fexit:icmp_*']);
    expect(status).toBe(1);
    expect(stderr).toBe(
      'xcap: choosing hooks: fexit:icmp_*: return values are of functions by name\n' +
        '  name each: fexit:ip_rcv,fexit:icmp_rcv\n',
    );
  });

  it.skipIf(!able)('name the function that there is none of', async () => {
    const { status, stderr } = await runXcap(['--hook', 'kretprobe:icmp_rvc']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^xcap: choosing hooks: kretprobe:icmp_rvc: no such function\n.*icmp_rcv/,
    );
  });

  it.skipIf(!able || kernel.moduleBtf)(
    'are kretprobes of a register where a module has no types',
    async () => {
      const { records } = await capture(
        ['--hook', 'kretprobe:veth_xmit@1', '--netns', pair.a.name, 'icmp'],
        () => void ping(pair.a, pair.b.address4, COUNT),
      );
      expect(records.map(({ ret }) => ret)).toEqual(Array(COUNT).fill('0x0'));
    },
  );

  it.skipIf(able)('say that this kernel refuses them', async () => {
    for (const prefix of ['fexit', 'kretprobe']) {
      const { status, stderr } = await runXcap(['--hook', `${prefix}:icmp_rcv`]);
      expect(status).toBe(4);
      expect(stderr).toMatch(new RegExp(`^xcap: choosing hooks: ${prefix}:icmp_rcv: `));
    }
  });
});
