import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { connectTcp, ping, sendDatagrams, sendFrames } from '../support/traffic.ts';

const guest = process.env['XCAP_GUEST'];

/** What the other tests of this folder stand on. */
describe('this kernel', () => {
  test.runIf(guest !== undefined)('is the one that the guest was to have', () => {
    expect(release()).toMatch(new RegExp(`^${guest!.replaceAll('.', '\\.')}\\.`));
  });

  test('has readable BTF', () => {
    const btf = readFileSync('/sys/kernel/btf/vmlinux');
    expect(btf.readUInt16LE(0)).toBe(0xeb9f);
    expect(btf.length).toBeGreaterThan(1_000_000);
  });

  test('lets bpftool list programs, maps and links', () => {
    for (const kind of ['prog', 'map', 'link']) {
      const list = execFileSync('bpftool', ['--json', kind, 'show'], { encoding: 'utf8' });
      expect(Array.isArray(JSON.parse(list))).toBe(true);
    }
  });

  test('keeps real time', () => {
    // dist/ was built before this ran; a guest without the time of day would be in 1970 or at its kernel's build.
    expect(Date.now()).toBeGreaterThan(Date.UTC(2026, 0, 1));
  });
});

describe('two namespaces', () => {
  const pair = new NetnsPair();
  const { a, b } = pair;
  afterAll(() => {
    pair.dispose();
  });
  const received = (): number =>
    Number(b.exec('cat', `/sys/class/net/${b.device}/statistics/rx_packets`));

  test('answer pings over IPv4 and IPv6', () => {
    expect(ping(a, b.address4, 3)).toBe(3);
    expect(ping(a, b.address6, 3)).toBe(3);
  });

  test('carry exactly the datagrams sent', () => {
    const before = received();
    expect(sendDatagrams(a, { to: b.address4, port: 9, payload: 'x'.repeat(100), count: 5 })).toBe(
      5,
    );
    expect(received() - before).toBe(5);
  });

  test('carry exactly the frames sent', () => {
    const frame = Buffer.from(`02000000090202000000090188b5${'00'.repeat(46)}`, 'hex');
    const before = received();
    expect(sendFrames(a, [frame, frame], { count: 3 })).toBe(6);
    expect(received() - before).toBe(6);
  });

  test('refuse a TCP connection to a closed port and open one to an open port', async () => {
    expect(connectTcp(a, b.address4, 7)).toBe(false);
    const listener = b.spawn('socat', 'TCP4-LISTEN:7,reuseaddr,fork', 'PIPE');
    try {
      await expect.poll(() => connectTcp(a, b.address4, 7), { timeout: 30_000 }).toBe(true);
    } finally {
      listener.kill();
    }
  });

  const dropIcmp =
    'table inet t { chain in { type filter hook input priority 0; meta l4proto icmp drop; }; }';
  const firewalls = {
    'iptables-legacy': (rule: 'add' | 'remove'): void => {
      b.iptables(rule === 'add' ? '-A' : '-D', 'INPUT', '-p', 'icmp', '-j', 'DROP');
    },
    nft: (rule: 'add' | 'remove'): void => {
      b.nft(rule === 'add' ? dropIcmp : 'flush ruleset');
    },
  };

  test.each(['iptables-legacy', 'nft'] as const)('drop pings by a rule of %s', (name) => {
    firewalls[name]('add');
    try {
      expect(ping(a, b.address4, 2)).toBe(0);
    } finally {
      firewalls[name]('remove');
    }
    expect(ping(a, b.address4, 2)).toBe(2);
  });
});
