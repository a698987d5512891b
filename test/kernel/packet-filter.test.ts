import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Netns, NetnsPair } from '../support/netns.ts';
import { capture, type Captured } from '../support/tracer.ts';
import { bytes, ethernet, ipv6, udp } from '../support/packets.ts';
import { ping, sendDatagrams, sendFrames } from '../support/traffic.ts';

const PINGS = 5;
const DATAGRAMS = 7;

/** Whether the kernel has VLAN devices (8021q). */
function hasVlans(): boolean {
  using probe = new NetnsPair();
  const link = ['link', probe.a.device, 'name', 'vl', 'type', 'vlan', 'id', '1'];
  return probe.a.try(['ip', 'link', 'add', ...link]).status === 0;
}

let pair: NetnsPair;

beforeAll(() => {
  pair = new NetnsPair();
});
afterAll(() => {
  pair.dispose();
});

/** tcpdump on a device while something happens: how many packets it printed. */
async function tcpdumpDuring<T>(
  ns: Netns,
  args: readonly string[],
  expected: number,
  during: () => Promise<T>,
): Promise<{ count: number; result: T }> {
  const [program = '', ...rest] = ns.command(['tcpdump', '-nnlt', '--immediate-mode', ...args]);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  const ended = new Promise<void>((resolve) => child.once('close', resolve));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const until = async (ms: number, done: () => boolean): Promise<void> => {
    const deadline = Date.now() + ms;
    while (!done() && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const count = (): number => stdout.split('\n').filter((line) => line !== '').length;
  await until(60_000, () => stderr.includes('listening on'));
  const result = await during();
  await until(5000, () => count() >= expected);
  child.kill('SIGINT');
  await ended;
  if (!stderr.includes('listening on')) throw new Error(`tcpdump: ${stderr}`);
  return { count: count(), result };
}

/** The same expression at a hook of a device, and by tcpdump on it, on the same packets. */
async function both(
  hook: 'rx' | 'tx',
  ns: Netns,
  device: string,
  expression: string,
  expected: number,
  traffic: () => void | Promise<void>,
): Promise<readonly [xcap: number, tcpdump: number]> {
  const direction = hook === 'rx' ? 'in' : 'out';
  const { count, result } = await tcpdumpDuring(
    ns,
    ['-i', device, '-Q', direction, expression],
    expected,
    () => capture(['--hook', hook, '-i', `${device}@${ns.name}`, expression], traffic),
  );
  expect(result.status, result.stderr).toBe(0);
  return [result.records.length, count];
}

describe.skipIf(!hasVlans())('a VLAN tag', () => {
  const tags = [
    ['802.1q', 10, '8100000a', '10.10'],
    ['802.1ad', 11, '88a8000b', '10.11'],
  ] as const;

  beforeAll(() => {
    for (const [ns, host] of [
      [pair.a, 1],
      [pair.b, 2],
    ] as const) {
      for (const [protocol, id, , net] of tags) {
        const name = `vl${id}`;
        const link = ['link', ns.device, 'name', name, 'type', 'vlan', 'protocol', protocol];
        ns.exec('ip', 'link', 'add', ...link, 'id', String(id));
        ns.exec('ip', 'address', 'add', `${net}.0.${host}/24`, 'dev', name);
        ns.exec('ip', 'link', 'set', name, 'up');
      }
    }
    for (const [, id, , net] of tags) {
      for (const [from, to, host] of [
        [pair.a, pair.b, 2],
        [pair.b, pair.a, 1],
      ] as const) {
        const entry = [`${net}.0.${host}`, 'lladdr', to.mac, 'dev', `vl${id}`];
        from.exec('ip', 'neighbour', 'replace', ...entry, 'nud', 'permanent');
      }
    }
  });

  function setOffload(on: boolean): void {
    for (const ns of [pair.a, pair.b]) {
      const state = on ? 'on' : 'off';
      ns.try(['ethtool', '-K', ns.device, 'rxvlan', state, 'txvlan', state]);
      ns.try(['ethtool', '-K', ns.device, 'tx-vlan-stag-hw-insert', state]);
      ns.try(['ethtool', '-K', ns.device, 'rx-vlan-stag-hw-parse', state]);
    }
  }

  /** Pings in both VLANs and outside, and datagrams in the first. */
  function traffic(): void {
    for (const [, , , net] of tags) expect(ping(pair.a, `${net}.0.2`, PINGS)).toBe(PINGS);
    expect(ping(pair.a, pair.b.address4, PINGS)).toBe(PINGS);
    sendDatagrams(pair.a, { to: '10.10.0.2', port: 9, payload: 'x', count: DATAGRAMS });
  }

  const table: readonly (readonly [expression: string, count: number])[] = [
    ['vlan 10 and icmp', PINGS],
    ['vlan and icmp', 2 * PINGS],
    ['vlan 11', PINGS],
    ['vlan 10 and udp port 9', DATAGRAMS],
    ['icmp and not vlan', PINGS],
    ['vlan 12', 0],
    ['vlan and host 10.10.0.2', PINGS + DATAGRAMS],
  ];

  describe.each([
    ['beside the packet', true],
    ['in the bytes', false],
  ])('%s', (_where, offload) => {
    beforeAll(() => {
      setOffload(offload);
    });

    it.each(offload ? table : table.slice(0, 4))(
      '%s at tx, as tcpdump on the device',
      async (expression, count) => {
        const counts = await both('tx', pair.a, 'xa0', expression, count, traffic);
        expect(counts).toEqual([count, count]);
      },
    );

    it.each(table.slice(0, 3))('%s at rx, as tcpdump on the device', async (expression, count) => {
      const counts = await both('rx', pair.b, 'xb0', expression, count, traffic);
      expect(counts).toEqual([count, count]);
    });

    it.each(tags)('of %s is in what is captured', async (_protocol, id, tag) => {
      const { records } = await capture(
        ['--hook', 'tx', '-i', `xa0@${pair.a.name}`, `vlan ${id} and icmp`],
        traffic,
      );
      expect(records).toHaveLength(PINGS);
      for (const { packet, len, caplen } of records) {
        expect(packet.slice(24, 36)).toBe(`${tag}0800`.slice(0, 12));
        expect([len, caplen]).toEqual([14 + 4 + 20 + 8 + 56, 14 + 4 + 20 + 8 + 56]);
      }
    });
  });

  it('is found where a packet is dropped before it was sent', async () => {
    setOffload(true);
    pair.a.exec('tc', 'qdisc', 'add', 'dev', 'xa0', 'clsact');
    pair.a.exec('tc', 'filter', 'add', 'dev', 'xa0', 'egress', 'matchall', 'action', 'drop');
    try {
      const { records } = await capture(['--netns', pair.a.name, 'vlan 10 and udp'], () => {
        sendDatagrams(pair.a, { to: '10.10.0.2', port: 9, payload: 'x', count: DATAGRAMS });
        sendDatagrams(pair.a, { to: '10.9.0.2', port: 9, payload: 'x', count: DATAGRAMS });
      });
      expect(records).toHaveLength(DATAGRAMS);
      expect(records[0]!.packet.slice(24, 32)).toBe('8100000a');
    } finally {
      pair.a.exec('tc', 'qdisc', 'del', 'dev', 'xa0', 'clsact');
    }
  });
});

describe("what is not in a packet's bytes", () => {
  // tcpdump by -Q: its own `inbound` loses the first packet, which libpcap filters by itself.
  it.each([
    ['inbound and icmp', 'in', ['rx']],
    ['outbound and icmp', 'out', ['tx']],
  ] as const)('%s means what tcpdump -Q %s shows', async (expression, direction, hooks) => {
    const { count, result } = await tcpdumpDuring(
      pair.a,
      ['-i', 'xa0', '-Q', direction, 'icmp'],
      PINGS,
      () =>
        capture(['--hook', 'rx,tx', '-i', `xa0@${pair.a.name}`, expression], () => {
          ping(pair.a, pair.b.address4, PINGS);
        }),
    );
    expect([result.records.length, count]).toEqual([PINGS, PINGS]);
    expect([...new Set(result.records.map(({ hook }) => hook))]).toEqual(hooks);
  });

  it('ifindex N is the index of the device', async () => {
    const run = async (index: number): Promise<number> => {
      const args = ['--hook', 'rx', '--netns', pair.b.name, `ifindex ${index} and icmp`];
      const captured = await capture(args, () => {
        ping(pair.a, pair.b.address4, PINGS);
      });
      return captured.records.length;
    };
    expect(await run(pair.b.ifindex)).toBe(PINGS);
    expect(await run(pair.b.ifindex + 100)).toBe(0);
  });

  it('a packet of a socket that is dropped on its way out is outbound', async () => {
    pair.a.nft(
      'table inet o { chain outgoing { type filter hook output priority 0; udp dport 9 drop; }; }',
    );
    const run = async (expression: string): Promise<number> => {
      const captured = await capture(['--netns', pair.a.name, expression], () => {
        sendDatagrams(pair.a, { to: pair.b.address4, port: 9, payload: 'x', count: 3 });
      });
      return captured.records.length;
    };
    try {
      expect([await run('outbound and udp'), await run('inbound and udp')]).toEqual([3, 0]);
    } finally {
      pair.a.exec('nft', 'flush', 'ruleset');
    }
  });
});

/** A TCP sender's payload is in pages: only headers are in the linear part. */
describe('bytes beyond the linear part', () => {
  const payload = `GET /${'A'.repeat(200)}`;
  const PAYLOADS = 'tcp[((tcp[12] & 0xf0) >> 2):4]';

  async function serve(traffic: () => Promise<Captured>): Promise<Captured> {
    const server = pair.b.spawn('socat', '-u', 'TCP-LISTEN:9000,reuseaddr,fork', 'OPEN:/dev/null');
    try {
      for (let i = 0; !pair.b.exec('ss', '-Hltn').includes(':9000'); i++) {
        if (i > 200) throw new Error('socat does not listen');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return await traffic();
    } finally {
      server.kill();
    }
  }

  const send = (): void => {
    for (const text of [payload, payload, `PUT ${payload}`]) {
      const script = `printf '%s' '${text}' >/dev/tcp/${pair.b.address4}/9000`;
      pair.a.exec('bash', '-c', script);
    }
  };

  const run = (hook: string, expression: string, ...args: string[]): Promise<Captured> =>
    serve(() => capture(['--hook', hook, '--netns', pair.a.name, ...args, expression], send));

  it.each([
    [`dst port 9000 and ${PAYLOADS} = 0x47455420`, 2],
    [`dst port 9000 and ${PAYLOADS} = 0x50555420`, 1],
    [`dst port 9000 and tcp[132] = 0x41`, 3],
    // A segment without a payload ends with the low byte of its timestamp's echo: any value.
    [`dst port 9000 and greater 200 and tcp[ip[2:2] - 21] = 0x41`, 3],
  ])('%s', async (expression, count) => {
    const { records, summaries } = await run('tx', expression);
    expect(records).toHaveLength(count);
    expect(summaries[0]!.by).not.toHaveProperty('not in the linear part');
  });

  it('are counted where they cannot be read', async () => {
    const expression = `dst port 9000 and ${PAYLOADS} = 0x47455420`;
    const { records, summaries, stderr } = await run(
      'tx',
      expression,
      ...['--without-feature', 'skb-dynptr', '--without-feature', 'direct-map'],
    );
    expect(records).toHaveLength(0);
    expect(summaries[0]!.by).toMatchObject({ 'not in the linear part': 3 });
    expect(stderr).toContain('not in the linear part');
  });
});

/** A guest has no device file for it until someone makes one. */
function hasTun(): boolean {
  const make =
    'modprobe tun; mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200';
  using probe = new NetnsPair();
  probe.a.try(['sh', '-c', make]);
  return probe.a.try(['ip', 'tuntap', 'add', 'mode', 'tun', 'name', 't0']).status === 0;
}

describe.skipIf(!hasTun())('a packet without a link header', () => {
  beforeAll(() => {
    // Nobody reads from it, so that what is sent there is dropped.
    pair.a.exec('ip', 'tuntap', 'add', 'mode', 'tun', 'name', 't0');
    pair.a.exec('ip', 'address', 'add', '10.77.0.1/24', 'dev', 't0');
    pair.a.exec('ip', 'link', 'set', 't0', 'up');
  });

  it.each([
    ['icmp', PINGS],
    ['ether host 02:00:00:00:00:01 or icmp', PINGS],
    ['not ether host 02:00:00:00:00:01', PINGS],
    ['ether host 02:00:00:00:00:01', 0],
    ['ether[0] = 0x45 or udp', 0],
    ['icmp and not vlan', PINGS],
    ['broadcast or host 10.77.0.2', PINGS],
  ])('%s', async (expression, count) => {
    const { records } = await capture(['-i', `t0@${pair.a.name}`, expression], () => {
      pair.a.try(['ping', '-n', '-q', '-c', `${PINGS}`, '-i', '0.002', '-W', '1', '10.77.0.2']);
    });
    expect(records).toHaveLength(count);
  });
});

describe('a long program', () => {
  const others = (count: number): string =>
    Array.from({ length: count }, (_, i) => `host 10.200.${i >> 8}.${i & 255}`).join(' or ');

  it.each([
    [
      'a thousand hosts, the packet being of the last',
      () => `${others(999)} or host 10.9.0.2`,
      PINGS,
    ],
    ['a thousand other hosts', () => others(1000), 0],
    [
      '200 terms of two sorts',
      () => {
        const pairs = Array.from(
          { length: 99 },
          (_, i) => `(host 10.200.1.${i & 255} and port ${i})`,
        );
        return `${pairs.join(' or ')} or (host 10.9.0.2 and icmp)`;
      },
      PINGS,
    ],
  ] as const)('%s', async (_name, expression, count) => {
    const args = ['--hook', 'rx', '--netns', pair.b.name, expression()];
    const { records } = await capture(args, () => {
      ping(pair.a, pair.b.address4, PINGS);
    });
    expect(records).toHaveLength(count);
  });

  it('protochain follows a chain of headers, and says how far', async () => {
    const six = { src: pair.a.address6, dst: pair.b.address6, version: 6 as const };
    const packet = (headers: number): Uint8Array => {
      const chain = Array.from({ length: headers }, (_, i) =>
        bytes([i === headers - 1 ? 17 : 60, 0, 1, 4, 0, 0, 0, 0]),
      );
      const payload = bytes(...chain, udp({ sport: 4000, dport: 9 }, [1, 2, 3, 4], six));
      const link = { src: pair.a.mac, dst: pair.b.mac };
      return ethernet(0x86dd, ipv6({ ...six, next: headers === 0 ? 17 : 60 }, payload), link);
    };
    const { records, stderr } = await capture(
      ['--hook', 'rx', '--netns', pair.b.name, 'ip6 protochain 17'],
      () => {
        sendFrames(pair.a, [0, 1, 2, 8, 9, 12].map(packet));
      },
    );
    expect(records).toHaveLength(4);
    expect(stderr).toContain('at most 8 headers');
  });
});
