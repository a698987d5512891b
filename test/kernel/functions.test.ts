import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernel } from '../support/kernel-features.ts';
import { proved } from '../support/hook-table.ts';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, filler, ipv4, udp } from '../support/packets.ts';
import { capture, runXcap, Tracer, type JsonRecord } from '../support/tracer.ts';
import { connectTcp, ping, sendFrames } from '../support/traffic.ts';

const COUNT = 6;
const OTHER = 4;
/** An IP header, then ICMP: what a function of the IP layer is given. */
const ECHO = /^45.{22}0a09000[12]0a09000[12]0[08]00/;

let pair: NetnsPair;
let datagram: Uint8Array;
beforeAll(() => {
  pair = new NetnsPair();
  const ends = { src: pair.a.address4, dst: pair.b.address4 };
  datagram = ethernet(
    0x0800,
    ipv4({ ...ends, protocol: 17 }, udp({ sport: 7, dport: 9 }, filler(60), ends)),
    { src: pair.a.mac, dst: pair.b.mac },
  );
});
afterAll(() => {
  pair.dispose();
});

/** Echo requests, and datagrams that no expression about ICMP matches; answered by as many. */
function traffic(): void {
  expect(ping(pair.a, pair.b.address4, COUNT)).toBe(COUNT);
  sendFrames(pair.a, [datagram], { count: OTHER });
}

const inB = (): string[] => ['--netns', pair.b.name];
const at = (records: readonly JsonRecord[], hook: string): readonly JsonRecord[] =>
  records.filter((record) => record.hook === hook);

const BACKENDS = [
  ...(kernel.fentry ? ['fentry'] : []),
  ...(kernel.kprobeMulti ? ['kprobe.multi'] : []),
  ...(kernel.kprobe ? ['kprobe'] : []),
];
const able = BACKENDS.length > 0;

describe.skipIf(!able).each(BACKENDS)('a function by %s', (backend) => {
  it('sees the packets that match, each once with its bytes, and counts the others', async () => {
    const { records, summaries, stderr } = await capture(
      ['--hook', 'ip_rcv', '--backend', backend, ...inB(), 'icmp'],
      traffic,
    );
    expect(stderr).toContain(`tracing ip_rcv (${backend}), `);
    expect(records).toHaveLength(COUNT);
    for (const record of records) {
      expect(record).toMatchObject({ hook: 'ip_rcv', iface: 'xb0', netns: pair.b.inode, len: 98 });
      expect(record.context).toBe('softirq');
      // The MAC header is in front of what ip_rcv() looks at.
      expect(record.packet.slice(28)).toMatch(ECHO);
    }
    expect(new Set(records.map(({ packet }) => packet)).size).toBe(COUNT);
    expect(summaries).toEqual([
      expect.objectContaining({
        hook: 'ip_rcv',
        matched: COUNT,
        written: COUNT,
        lost: 0,
        missed: 0,
        by: expect.objectContaining({ filter: OTHER }) as unknown,
      }),
    ]);
    proved('function', stderr);
  });
});

describe.skipIf(!able)('functions in one run', () => {
  it('finds the packet where it is not the first argument, and says whose process it was', async () => {
    const { records } = await capture(
      ['--hook', 'ip_output', '--netns', pair.a.name, 'icmp'],
      traffic,
    );
    expect(records).toHaveLength(COUNT);
    for (const record of records) {
      expect(record).toMatchObject({ comm: 'ping', context: 'process', len: 84 });
      expect(record.packet).toMatch(ECHO);
    }
  });

  it('without a packet gives the addresses of the socket', async () => {
    const port = 4331;
    const { records, summaries } = await capture(
      ['--hook', 'tcp_connect', '--netns', pair.a.name],
      () => void connectTcp(pair.a, pair.b.address4, port),
    );
    expect(records).toEqual([
      expect.objectContaining({
        ...{ laddr: pair.a.address4, raddr: pair.b.address4, rport: port, state: 'SYN_SENT' },
        ...{ comm: 'bash', context: 'process', netns: pair.a.inode },
      }),
    ]);
    expect(summaries[0]).toMatchObject({ seen: 1, written: 1 });
  });

  it('with hooks of other kinds are in the order of time, each with its counts', async () => {
    const hooks = ['tx', 'tracepoint:net:netif_rx', 'fentry:ip_rcv', 'kprobe:icmp_rcv', 'drop'];
    pair.b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '9', '-j', 'DROP');
    const { records, summaries } = await capture(
      ['--hook', hooks.join(','), '--netns', pair.a.name, ...inB(), 'udp port 9 or icmp[0] == 8'],
      traffic,
    );
    pair.b.iptables('-F');
    const udp9 = records.filter(({ packet }) =>
      packet.includes(Buffer.from(filler(60)).toString('hex')),
    );
    expect(udp9.slice(0, 4).map(({ hook }) => hook)).toEqual([...hooks.slice(0, 3), 'drop']);
    expect(hooks.map((hook) => at(records, hook).length)).toEqual([
      ...[COUNT + OTHER, COUNT + OTHER, COUNT + OTHER, COUNT, OTHER],
    ]);
    expect(summaries.map(({ hook, matched, lost }) => [hook, matched, lost])).toEqual(
      hooks.map((hook) => [hook, at(records, hook).length, 0]),
    );
  });

  it('take the second argument, of a word by number', async () => {
    const { records } = await capture(
      ['--hook', 'kprobe:tcp_v4_do_rcv@2,tcp_v4_rcv', '--netns', pair.a.name, 'tcp'],
      () => void connectTcp(pair.a, pair.b.address4, 4332),
    );
    // The reset that answers.
    expect(records.map(({ hook }) => hook)).toEqual(['tcp_v4_rcv', 'kprobe:tcp_v4_do_rcv@2']);
    const [first, second] = records;
    expect(second?.packet.endsWith(first?.packet.slice(-40) ?? '-')).toBe(true);
  });
});

describe.skipIf(!able)('a function of a module', () => {
  it.skipIf(!kernel.moduleBtf)('is hooked by the BTF of its module', async () => {
    const { records, stderr } = await capture(
      ['--hook', 'veth_xmit', '--netns', pair.a.name, 'icmp'],
      traffic,
    );
    expect(stderr).toContain('tracing veth_xmit [veth] (fentry), ');
    expect(records).toHaveLength(COUNT);
    for (const { packet, iface } of records) {
      expect(iface).toBe('xa0');
      expect(packet.slice(28)).toMatch(ECHO);
    }
    proved('module', stderr);
  });

  it.skipIf(kernel.moduleBtf)(
    'needs to be told its argument where modules have no BTF',
    async () => {
      const refused = await runXcap(['--hook', 'veth_xmit']);
      expect(refused.status).toBe(4);
      expect(refused.stderr).toBe(
        'xcap: choosing hooks: veth_xmit: module veth has no BTF: which argument is the packet?\n' +
          '  say so: kprobe:veth_xmit@1 takes the first one\n',
      );
      const { records, summaries, stderr } = await capture(
        ['--hook', 'kprobe:veth_xmit@1', '--netns', pair.a.name, 'icmp'],
        traffic,
      );
      expect(records).toHaveLength(COUNT);
      expect(summaries[0]).toMatchObject({ matched: COUNT, missed: 0 });
      proved('module', stderr);
    },
  );
});

describe.skipIf(!able)('a pattern', () => {
  it('traces each function that it stands for, and adds up what they saw', async () => {
    const { records, summaries, stderr } = await capture(
      ['--hook', 'icmp_*', ...inB(), 'icmp'],
      traffic,
    );
    expect(stderr).toMatch(/tracing icmp_\* \(\d+ functions, /);
    expect(at(records, 'icmp_rcv')).toHaveLength(COUNT);
    const total = summaries.find(({ hook }) => hook === 'icmp_*');
    const single = summaries.filter(({ hook }) => hook !== 'icmp_*');
    expect(total?.matched).toBe(records.length);
    expect(single.reduce((sum, { seen }) => sum + seen, 0)).toBe(total?.seen);
    expect(single.every(({ seen }) => seen > 0)).toBe(true);
    proved('pattern', stderr);
  });

  it.skipIf(!kernel.kprobeMulti)('all: follows one ping through the stack, in order', async () => {
    const { records, summaries, stderr } = await capture(
      ['--hook', 'all', '--netns', pair.a.name, ...inB(), 'icmp'],
      () => void ping(pair.a, pair.b.address4, 1),
    );
    const functions = Number(/tracing all \((\d+) functions, kprobe\.multi\)/.exec(stderr)?.[1]);
    expect(functions).toBeGreaterThan(1000);
    const hooks = records.map(({ hook }) => hook);
    let from = -1;
    for (const hook of ['ip_output', 'dev_hard_start_xmit', 'veth_xmit', 'ip_rcv', 'icmp_rcv']) {
      from = hooks.indexOf(hook, from + 1);
      expect(from, `${hook} in ${hooks.join(' ')}`).toBeGreaterThanOrEqual(0);
    }
    // The request, then the reply.
    expect(hooks.filter((hook) => hook === 'icmp_rcv')).toHaveLength(2);
    const times = records.map(({ time }) => BigInt(time));
    expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)));
    const total = summaries.find(({ hook }) => hook === 'all');
    expect(total).toMatchObject({ matched: records.length, lost: 0 });
    proved('pattern', stderr);
  });

  it.skipIf(kernel.kprobeMulti)('all: is more than are attached one by one', async () => {
    const { status, stderr } = await runXcap(['--hook', 'all']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^xcap: choosing hooks: \d{4} functions, and this kernel attaches them one by one: at most 200\n {2}name fewer, .*--max-hooks \d{4}\n$/,
    );
  });

  // Without cookies each function has a program of its own, verified for seconds, emulated: ten are enough then.
  const oneByOne = kernel.attachCookie && !kernel.kprobeMulti;
  it.skipIf(!oneByOne)('of some hundred functions is attached one by one', async () => {
    const { records, stderr } = await capture(
      ['--hook', 'ip_*,icmp_*,skb_c*', '--backend', 'kprobe', ...inB(), 'icmp'],
      () => void ping(pair.a, pair.b.address4, 1),
    );
    const counts = [...stderr.matchAll(/\((\d+) functions, kprobe\)/g)].map(([, n]) => Number(n));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(90);
    expect(stderr).toMatch(/: this kernel does not count what a kprobe misses/);
    expect(at(records, 'icmp_rcv')).toHaveLength(1);
    proved('pattern', stderr);
  });
});

describe.skipIf(!able)('hooks that cannot be had', () => {
  it.each([
    ['icmp_rvc', 1, /: no such hook$/, /did you mean icmp_rcv/],
    ['ip_rcv@9', 4, /: it has 4 arguments$/, /its arguments are \(skb, dev, pt, orig_dev\)/],
    ['do_sys_open', 4, /no argument that is a packet or a socket/, /xcap hooks/],
    ['tun_net_xmit', 1, /: no such hook$/, /module tun is not loaded: modprobe tun/],
  ] as const)('%s is told in a line, with a remedy', async (name, status, message, hint) => {
    const outcome = await runXcap(['--hook', name]);
    const [first = '', second = ''] = outcome.stderr.split('\n');
    expect(first).toMatch(/^xcap: choosing hooks: /);
    expect(first).toMatch(message);
    expect(second).toMatch(hint);
    expect(outcome.status).toBe(status);
  });

  it('stop the run with nothing attached, unless --partial', async () => {
    const hooks = ['--hook', 'ip_rcv,no_such_function', ...inB(), 'icmp'];
    const refused = await runXcap(hooks);
    expect(refused.status).toBe(1);
    const { records, stderr } = await capture(['--partial', ...hooks], traffic);
    expect(stderr).toMatch(/^xcap: choosing hooks: no_such_function: no such hook: left out$/m);
    expect(records).toHaveLength(COUNT);
  });
});

describe.skipIf(!able)('nothing stays attached', () => {
  it('when the tracer is killed', async () => {
    const hooks =
      BACKENDS.length === 3 ? 'ip_rcv,kprobe:icmp_rcv,icmp_*' : 'ip_rcv,kprobe:icmp_rcv';
    const tracer = await Tracer.start(['--hook', hooks, ...inB()]);
    traffic();
    await tracer.stop('SIGKILL');
    const kprobes = (): string =>
      spawnSync(
        'sh',
        ['-c', 'cat /sys/kernel/debug/kprobes/list; bpftool prog show; bpftool link show'],
        {
          encoding: 'utf8',
        },
      ).stdout;
    let left = '';
    for (let i = 0; i < 100; i++) {
      left = kprobes();
      if (!/xcap_|ip_rcv|icmp_rcv/.test(left)) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(left).not.toMatch(/xcap_|ip_rcv|icmp_rcv/);
  });
});

describe('xcap hooks', () => {
  it('lists what can be hooked, and where the packet is', async () => {
    const { stdout, status } = await runXcap(['hooks']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^drop +\S+ +skb:kfree_skb: packets the kernel drops/m);
    expect(stdout).toMatch(/^tracepoint:\w+:netif_rx +\S+ +struct sk_buff \*skb, argument 1$/m);
    expect(/^icmp_rcv +\S+ +struct sk_buff \*skb, argument 1$/m.test(stdout)).toBe(able);
    expect(stdout).not.toMatch(/ {2}- {2}/);
  });

  // The BTF of 5.10 has those functions only that can be traced.
  it.skipIf(!able || !kernel.moduleBtf)('says why a function cannot be hooked', async () => {
    const { stdout } = await runXcap(['hooks', '*_rcv*']);
    expect(stdout).toMatch(/ +- +(inlined|compiled as|the kernel does not let it be traced)/m);
    expect((await runXcap(['hooks', 'zz_*'])).stderr).toMatch(
      /^xcap: listing hooks: zz_\*: no such hook\n/,
    );
  });
});
