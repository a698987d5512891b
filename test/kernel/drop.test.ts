import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';
import { capture, runXcap, type Captured } from '../support/tracer.ts';
import { ping, sendDatagrams } from '../support/traffic.ts';

const PINGS = 200;
/** Drop reasons came with 5.17: the kernel says so itself. */
const hasReasons = readFileSync('/sys/kernel/btf/vmlinux').includes(
  'SKB_DROP_REASON_NETFILTER_DROP',
);

let pair: NetnsPair;
beforeAll(() => {
  pair = new NetnsPair();
});
afterAll(() => {
  pair.dispose();
});

/** 200 pings that a rule in namespace b drops, seen at the drop hook. */
function expectAllDrops({ records, summaries, stderr, status }: Captured): void {
  expect(status, stderr).toBe(0);
  expect(records).toHaveLength(PINGS);
  const [summary] = summaries;
  expect(summary).toMatchObject({ hook: 'drop', matched: PINGS, written: PINGS });
  expect(summary).toMatchObject({ lost: 0, left: 0, missed: 0 });
  expect(summary!.seen).toBe(summary!.rejected + summary!.matched);
  const { device, ifindex, inode, name } = pair.b;
  for (const record of records) {
    expect(record).toMatchObject({
      hook: 'drop',
      iface: device,
      ifindex,
      netns: inode,
      netns_name: name,
      context: 'softirq',
      len: 98,
      caplen: 98,
    });
    expect(record.reason).toBe(hasReasons ? 'NETFILTER_DROP' : undefined);
    expect(record.location).toMatch(/^(nf_hook_slow|nft_do_chain)\+0x[0-9a-f]+( \[\w+\])?$/);
  }
  // Each echo request once: the sequence number is at 14 + 20 + 6.
  const sequences = records.map((record) => parseInt(record.packet.slice(80, 84), 16));
  expect([...sequences].sort((a, b) => a - b)).toEqual(
    Array.from({ length: PINGS }, (_, i) => i + 1),
  );
  const times = records.map((record) => BigInt(record.time));
  const now = BigInt(Date.now()) * 1_000_000n;
  for (const time of times) expect(now - time < 120_000_000_000n && time <= now).toBe(true);
}

describe('--stack', () => {
  it("names the functions above a drop, and none of xcap's own, in JSON and in a capture file", async () => {
    pair.b.iptables('-A', 'INPUT', '-p', 'icmp', '-j', 'DROP');
    const file = join(mkdtempSync(join(tmpdir(), 'xcap-stack-')), 'drops.pcapng');
    const { records, status, stderr } = await capture(
      ['--stack', '--netns', pair.b.name, '-w', file, 'icmp'],
      () => void ping(pair.a, pair.b.address4, 5),
    );
    pair.b.iptables('-F', 'INPUT');
    expect(status, stderr).toBe(0);
    expect(stderr).not.toMatch(/without their stack/);
    expect(records).toHaveLength(5);
    for (const { stack = [], location } of records) {
      expect(stack[0]).toMatch(/^(__)?(kfree_skb|sk_skb_reason_drop|nft_do_chain)/);
      expect(stack.join('\n')).toMatch(/\bip_(local_deliver|rcv)/);
      expect(stack.join('\n')).not.toMatch(/xcap|bpf_trace_run|__traceiter|^0x/m);
      // The location is the address that the drop returns to.
      expect(stack.slice(0, 3)).toContain(location);
    }
    const packets = readFileSync(file, 'latin1');
    // In quotes where a module's name makes a blank.
    expect(packets).toMatch(/ stack="?\w+\+0x/);
    expect(packets).toContain(records[0]!.stack!.join(';'));
    rmSync(dirname(file), { recursive: true });
  });
});

describe('packets dropped by a rule', () => {
  it('are all seen with reason, place, device, namespace and context: iptables-legacy', async () => {
    pair.b.iptables('-A', 'INPUT', '-p', 'icmp', '-j', 'DROP');
    const captured = await capture(
      ['--hook', 'kfree_skb_reason', '--netns', pair.b.name, 'icmp'],
      () => void ping(pair.a, pair.b.address4, PINGS),
    );
    pair.b.iptables('-F', 'INPUT');
    expectAllDrops(captured);
  });

  it('are all seen with reason, place, device, namespace and context: nft', async () => {
    pair.b.nft(
      'table inet t { chain incoming { type filter hook input priority 0; icmp type echo-request drop; }; }',
    );
    const captured = await capture(
      ['--hook', 'drop', '--netns', pair.b.name, 'icmp'],
      () => void ping(pair.a, pair.b.address4, PINGS),
    );
    pair.b.exec('nft', 'flush', 'ruleset');
    expectAllDrops(captured);
  });

  it('name the process when it is the one that sends: OUTPUT', async () => {
    pair.a.iptables('-A', 'OUTPUT', '-p', 'udp', '--dport', '9', '-j', 'DROP');
    const { records, summaries } = await capture(['--netns', pair.a.name, 'udp port 9'], () => {
      sendDatagrams(pair.a, { to: pair.b.address4, port: 9, payload: 'x'.repeat(30), count: 20 });
    });
    pair.a.iptables('-F', 'OUTPUT');
    expect(records).toHaveLength(20);
    const { inode } = pair.a;
    for (const record of records) {
      expect(record).toMatchObject({
        context: 'process',
        comm: 'send-datagrams',
        netns: inode,
        uid: 0,
        len: 58,
      });
      expect(record.pid).toBe(record.tid);
      expect(record.pid).toBeGreaterThan(1);
    }
    expect(summaries[0]).toMatchObject({ matched: 20, written: 20, lost: 0 });
  });
});

describe.runIf(process.env['XCAP_GUEST'])('kernel-wide, as in a guest', () => {
  it('sees the drops of any namespace without --netns', async () => {
    pair.b.iptables('-A', 'INPUT', '-p', 'icmp', '-j', 'DROP');
    const captured = await capture(
      ['--hook', 'kfree_skb_reason', 'icmp'],
      () => void ping(pair.a, pair.b.address4, PINGS),
    );
    pair.b.iptables('-F', 'INPUT');
    expectAllDrops(captured);
  });
});

describe('xcap reasons', () => {
  it.runIf(hasReasons)('lists the reasons of this kernel by name and number', async () => {
    const { status, stdout } = await runXcap(['reasons']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/\bNETFILTER_DROP\b/);
    expect(stdout).toMatch(/\bNO_SOCKET\b/);
  });
});
