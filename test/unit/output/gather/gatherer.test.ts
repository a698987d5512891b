import { describe, expect, it } from 'vitest';
import {
  GATHER_LIMITS,
  Gatherer,
  type Gathered,
  type GatherLimits,
} from '../../../../src/output/gather/gatherer.ts';
import { gatheredJson } from '../../../../src/output/gather/json.ts';
import { gatheredText } from '../../../../src/output/gather/text.ts';
import { TimestampFormatter } from '../../../../src/output/timestamp.ts';
import type { PacketRecord } from '../../../../src/records/record.ts';
import { icmpFrame, sampleRecord } from '../samples.ts';

const ENDS = ['drop', 'consume'];
const T0 = 1_763_697_600_000_000_000n;

function event(hook: string, ns: number, changes: Partial<PacketRecord> = {}): PacketRecord {
  const nowhere = { reason: undefined, location: undefined };
  return sampleRecord({ ...nowhere, hook, timeNs: T0 + BigInt(ns), packetId: 7n, ...changes });
}

function gatherer(asked: readonly string[], limits: Partial<GatherLimits> = {}) {
  const made: Gathered[] = [];
  const all = new Gatherer(
    asked,
    ENDS,
    { ...GATHER_LIMITS, ...limits },
    (packet) => void made.push(packet),
  );
  return { made, all };
}

const TIME = new TimestampFormatter({ style: 'time', utc: true });

describe('a packet that is gathered', () => {
  it('is told when it is freed, with its hooks in time, what changed, where it was not, and why it died', () => {
    const { made, all } = gatherer(['tx', 'rx', 'ip_rcv', 'drop']);
    const routed = icmpFrame();
    routed[14 + 8] = 63;
    // Events of several CPUs come in the order of the ring.
    all.add(event('rx', 12_300, { iface: 'vb', data: routed }), 0);
    all.add(event('tx', 0, { iface: 'va', netnsLabel: 'a' }), 0);
    all.add(
      event('drop', 2_000_000, {
        reason: 'NETFILTER_DROP',
        location: 'nf_hook_slow+0xa2',
        data: routed,
      }),
      0,
    );
    all.sweep(40);
    expect(made).toEqual([]);
    all.sweep(60);
    expect(made).toHaveLength(1);
    expect(all.isEmpty).toBe(true);
    expect(gatheredText(made[0]!, TIME).split('\n')).toEqual([
      expect.stringMatching(
        /^04:00:00\.000000000 id=7 IP 10\.0\.0\.2 > 10\.0\.0\.1: ICMP echo request/,
      ),
      '         +0  va@a       tx',
      '    +12.3us  vb@blue    rx    ip.ttl 64 -> 63',
      '     +2.0ms  eth1@blue  drop  NETFILTER_DROP nf_hook_slow+0xa2',
      '    NOT received at ip_rcv',
      '    DROPPED +2.0ms at eth1@blue: NETFILTER_DROP nf_hook_slow+0xa2',
      '',
    ]);
    const json = JSON.parse(gatheredJson(made[0]!)) as Record<string, unknown>;
    expect(json).toMatchObject({
      ...{ schema: 1, packet_id: 7, time: String(T0), not_received: ['ip_rcv'], end: 'dropped' },
      ...{ dropped: 1, consumed: 0 },
      ...{ reason: 'NETFILTER_DROP', location: 'nf_hook_slow+0xa2' },
      steps: [
        { hook: 'tx', offset_ns: 0, iface: 'va', changes: [] },
        { hook: 'rx', offset_ns: 12_300, changes: [{ field: 'ip.ttl', from: 64, to: 63 }] },
        { hook: 'drop', changes: [] },
      ],
    });
  });

  it('has not ended while one of its clones is not freed', () => {
    const { made, all } = gatherer(['tx', 'consume']);
    all.add(event('tx', 0, { skb: 1n }), 0);
    all.add(event('tx', 1, { skb: 2n }), 0);
    all.add(event('consume', 2, { skb: 1n }), 0);
    all.sweep(1000);
    expect(made).toEqual([]);
    all.add(event('consume', 3, { skb: 2n }), 1000);
    all.sweep(1100);
    expect(made).toMatchObject([{ closing: 'freed', missing: [] }]);
    expect(gatheredText(made[0]!, TIME)).toMatch(
      /^ {4}2 copies: 2 consumed, the last \+0\.0us at eth1@blue$/m,
    );
    expect(all.notes()).toEqual([]);
  });

  it('is waited for as long as told, and then said to have no end', () => {
    const { made, all } = gatherer(['tx'], { waitMs: 500 });
    all.add(event('tx', 0), 0);
    all.sweep(499);
    expect(made).toEqual([]);
    all.sweep(500);
    expect(made).toMatchObject([{ closing: 'waited' }]);
    expect(gatheredText(made[0]!, TIME)).toMatch(/no end seen: not waited for any longer/);
    expect(all.notes()).toEqual([expect.stringMatching(/1 packets no end was seen within 0\.5 s/)]);
  });

  it('makes room for others, oldest first, and keeps no more than so many steps and bytes', () => {
    const { made, all } = gatherer(['tx', 'rx'], { packets: 2, steps: 3, bytes: 20 });
    for (const id of [1n, 2n, 3n]) all.add(event('tx', 0, { packetId: id }), 0);
    expect(made).toMatchObject([{ id: 1n, closing: 'room', missing: ['rx'] }]);
    for (let i = 0; i < 5; i++) all.add(event('tx', i, { packetId: 2n }), 0);
    all.add(event('drop', 9, { packetId: 2n, reason: 'NO_SOCKET' }), 0);
    all.end();
    expect(made[1]).toMatchObject({ id: 2n, more: 4, missing: [], closing: 'freed' });
    expect(made[1]?.steps.map(({ hook, data }) => [hook, data.length])).toEqual([
      ['tx', 20],
      ['tx', 20],
      ['drop', 20],
    ]);
    expect(made[2]).toMatchObject({ id: 3n, closing: 'ended' });
    expect(all.notes()).toEqual([
      expect.stringMatching(/1 packets were shown before their end: 2 at a time/),
    ]);
  });

  it('keeps a copy of the bytes, and counts events of no packet', () => {
    const { made, all } = gatherer(['tx']);
    const data = icmpFrame();
    all.add(event('tx', 0, { data }), 0);
    data.fill(0);
    all.add(event('tx', 0, { packetId: undefined }), 0);
    all.end();
    expect(made).toHaveLength(1);
    expect(made[0]?.steps[0]?.data.some((byte) => byte !== 0)).toBe(true);
    expect(all.notes()).toEqual([expect.stringMatching(/1 events of no packet that is followed/)]);
  });
});
