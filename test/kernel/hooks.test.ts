import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { proved } from '../support/hook-table.ts';
import { NetnsPair } from '../support/netns.ts';
import { ethernet, filler, ipv4, udp, vlan } from '../support/packets.ts';
import { capture, parseSummaries, Tracer, type JsonRecord } from '../support/tracer.ts';
import { sendDatagrams, sendFrames } from '../support/traffic.ts';

const COUNT = 9;
let pair: NetnsPair;
let folder: string;
let frame: Uint8Array;
beforeAll(() => {
  pair = new NetnsPair();
  pair.b.iptables('-A', 'INPUT', '-p', 'udp', '--dport', '9', '-j', 'DROP');
  folder = mkdtempSync(join(tmpdir(), 'xcap-hooks-'));
  const ends = { src: pair.a.address4, dst: pair.b.address4 };
  frame = ethernet(
    0x0800,
    ipv4({ ...ends, protocol: 17 }, udp({ sport: 7, dport: 9 }, filler(60), ends)),
    { src: pair.a.mac, dst: pair.b.mac },
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  pair.dispose();
});

const send = (): void => {
  sendFrames(pair.a, [frame], { count: COUNT });
};
const both = (): string[] => ['--netns', pair.a.name, '--netns', pair.b.name];

describe('drop, rx and tx in one run', () => {
  it('see the same packets, each where it is, in the order of time', async () => {
    const { records, summaries, stderr } = await capture(
      ['--hook', 'tx,rx,drop', ...both(), 'udp port 9'],
      send,
    );
    expect(records).toHaveLength(3 * COUNT);
    const hex = Buffer.from(frame).toString('hex');
    for (const [hook, device, netns] of [
      ['tx', pair.a.device, pair.a.inode],
      ['rx', pair.b.device, pair.b.inode],
      ['drop', pair.b.device, pair.b.inode],
    ] as const) {
      const own = records.filter((record) => record.hook === hook);
      expect(own).toHaveLength(COUNT);
      for (const record of own) expect(record).toMatchObject({ iface: device, netns, packet: hex });
    }
    expect(summaries.map(({ hook, matched }) => [hook, matched])).toEqual([
      ['tx', COUNT],
      ['rx', COUNT],
      ['drop', COUNT],
    ]);
    const first = ['tx', 'rx', 'drop'].map((hook) =>
      BigInt(records.find((record) => record.hook === hook)!.time),
    );
    expect([...first].sort((x, y) => (x < y ? -1 : 1))).toEqual(first);
    proved('logical', stderr);
  });

  // The tag in the packet's bytes and the tag beside them are read by the same programs.
  it('see a VLAN tag', async () => {
    const inner = ipv4(
      { src: '10.0.0.1', dst: '10.0.0.2', protocol: 17 },
      udp({ sport: 1, dport: 2 }),
    );
    const macs = { src: pair.a.mac, dst: pair.b.mac };
    const tagged = (id: number): Uint8Array => ethernet(0x8100, vlan(id, 0x0800, inner), macs);
    const { records, summaries } = await capture(['--hook', 'tx,rx', ...both(), 'vlan 11'], () => {
      sendFrames(pair.a, [tagged(11), tagged(12)], { count: COUNT });
    });
    const hex = Buffer.from(tagged(11)).toString('hex');
    expect(records.map(({ packet }) => packet)).toEqual(
      Array.from({ length: 2 * COUNT }, () => hex),
    );
    expect(summaries.map(({ matched }) => matched)).toEqual([COUNT, COUNT]);
  });

  it('are interfaces of their own in a pcapng file, with a direction', async () => {
    const file = join(folder, 'hooks.pcapng');
    const tracer = await Tracer.start(['--hook', 'rx,tx', ...both(), '-w', file, 'udp port 9']);
    send();
    const { stderr } = await tracer.stop();
    expect(parseSummaries(stderr)).toHaveLength(2);
    const tshark = spawnSync(
      'tshark',
      [
        ...['-r', file, '-T', 'fields', '-e', 'frame.interface_name'],
        ...['-e', 'frame.packet_flags_direction', '-e', 'frame.len'],
      ],
      { encoding: 'utf8' },
    );
    const lines = tshark.stdout.trim().split('\n');
    expect(lines).toHaveLength(2 * COUNT);
    const kinds = new Set(lines.map((line) => line.split('\t').slice(0, 2).join(' ')));
    expect([...kinds].map((kind) => kind.replace(/0x0*/, '')).sort()).toEqual(
      [`${pair.a.device}@${pair.a.name}/tx 2`, `${pair.b.device}@${pair.b.name}/rx 1`].sort(),
    );
  });
});

describe('a feature taken away', () => {
  const strip = (records: readonly JsonRecord[]): unknown[] =>
    records.map(({ hook, iface, netns, reason, location, context, packet, len }) => ({
      ...{ hook, iface, netns, reason, location, context, packet, len },
    }));
  const trace = async (...without: string[]): Promise<unknown[]> => {
    const options = without.flatMap((name) => ['--without-feature', name]);
    const { records, summaries } = await capture(
      ['--netns', pair.b.name, ...options, 'udp port 9 and len > 20'],
      send,
    );
    expect(summaries[0]).toMatchObject({ matched: COUNT, written: COUNT, lost: 0, missed: 0 });
    return strip(records);
  };

  it('leaves the same answers: raw tracepoint, fixed stack offsets, context by the stack', async () => {
    const all = await trace();
    expect(all).toHaveLength(COUNT);
    expect(await trace('tp-btf')).toEqual(all);
    expect(await trace('percpu-ksym', 'var-stack-read')).toEqual(all);
  });
});

describe('a packet that was never given a link header', () => {
  it('is in an Ethernet file with a zeroed one, and marked', async () => {
    pair.a.iptables('-A', 'OUTPUT', '-p', 'udp', '--dport', '19', '-j', 'DROP');
    const file = join(folder, 'output.pcapng');
    const tracer = await Tracer.start([
      '--netns',
      pair.a.name,
      '-w',
      file,
      '--print',
      'udp port 19',
    ]);
    sendDatagrams(pair.a, { to: pair.b.address4, port: 19, payload: 'abc', count: 4 });
    const { stdout, stderr } = await tracer.stop();
    const text = stdout.trim().split('\n');
    expect(text).toHaveLength(4);
    expect(text[0]).toMatch(
      new RegExp(
        `^\\d\\d:\\d\\d:\\d\\d\\.\\d{9} ${pair.a.device}@${pair.a.name} drop (NETFILTER_DROP )?\\w+\\+0x[0-9a-f]+( \\[\\w+\\])? send-datagrams/\\d+ IP 10\\.9\\.0\\.1\\.\\d+ > 10\\.9\\.0\\.2\\.19: UDP, length 3$`,
      ),
    );
    expect(stderr).toContain('4 written with a zeroed link header');
    const read = spawnSync('tcpdump', ['-n', '-e', '-r', file], { encoding: 'utf8' });
    expect(read.stdout.trim().split('\n')).toHaveLength(4);
    expect(read.stdout).toContain('00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype IPv4');
    const comments = spawnSync('tshark', ['-r', file, '-T', 'fields', '-e', 'frame.comment'], {
      encoding: 'utf8',
    });
    expect(comments.stdout).toContain('link=none');
  });
});
