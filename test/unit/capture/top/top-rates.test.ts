import { describe, expect, it } from 'vitest';
import { sumOfCpus, type TopReading } from '../../../../src/capture/top/top-counts.ts';
import { TopRates } from '../../../../src/capture/top/top-rates.ts';
import type { Names } from '../../../../src/records/names.ts';

function namesOf(netns: Map<number, string>): Names {
  return {
    hooks: ['drop', 'rx'],
    attachPoints: ['', ''],
    socketOwner: () => undefined,
    returns: [undefined, undefined],
    clockOffsetNs: () => 0n,
    reason: (value) => `REASON_${value}`,
    location: (address) => `f+0x${address.toString(16)}`,
    netns: (inode) => netns.get(inode),
    netnsLabel: (inode) => netns.get(inode) ?? `inode:${inode}`,
    contextByStack: false,
    user: undefined,
  };
}

const reading = (reason: number, packets: number): TopReading => ({
  id: String(reason),
  key: { other: false, reason },
  packets,
  bytes: 100 * packets,
});
const other = (packets: number): TopReading => ({
  ...{ id: 'other', key: { other: true }, packets, bytes: 10 * packets },
});
const moment = { timeNs: 0n, seconds: 2 };

describe('TopRates', () => {
  it('has rates of what came since the reading before', () => {
    const rates = new TopRates(['reason'], namesOf(new Map()));
    rates.interval([reading(1, 10), other(0)], moment, 'moved');
    const table = rates.interval([reading(1, 30), reading(2, 4), other(6)], moment, 'moved');
    expect(
      table.rows.map(({ labels, packetRate, byteRate }) => [labels.reason, packetRate, byteRate]),
    ).toEqual([
      ['REASON_1', 10, 1000],
      ['REASON_2', 2, 200],
    ]);
    expect(table.other).toMatchObject({ packets: 6, packetRate: 3, byteRate: 30 });
    expect(table.all).toMatchObject({ packets: 40, bytes: 3460, packetRate: 15, byteRate: 1230 });
  });

  it('puts the fastest first, then the most, and leaves out what did not move', () => {
    const rates = new TopRates(['reason'], namesOf(new Map()));
    const first = [reading(1, 100), reading(2, 5), reading(3, 500), reading(4, 7)];
    const second = [reading(1, 110), reading(2, 25), reading(3, 500), reading(4, 17)];
    const order = (rows: 'moved' | 'all'): (string | undefined)[] => {
      rates.interval(first, moment, rows);
      return rates.interval(second, moment, rows).rows.map(({ labels }) => labels.reason);
    };
    expect(order('moved')).toEqual(['REASON_2', 'REASON_1', 'REASON_4']);
    expect(order('all')).toEqual(['REASON_2', 'REASON_1', 'REASON_4', 'REASON_3']);
  });

  it('has no row of what had no room until there is something in it', () => {
    const rates = new TopRates(['reason'], namesOf(new Map()));
    expect(rates.interval([other(0)], moment, 'all').other).toBeUndefined();
    expect(rates.interval([other(0)], moment, 'all').rows).toEqual([]);
  });

  it('ends with every row, and the rates of the whole run', () => {
    const rates = new TopRates(['reason'], namesOf(new Map()));
    rates.interval([reading(1, 10)], moment, 'moved');
    const table = rates.total([reading(1, 10), reading(2, 40)], { timeNs: 0n, seconds: 10 });
    expect(table.final).toBe(true);
    expect(table.rows.map(({ labels, packetRate }) => [labels.reason, packetRate])).toEqual([
      ['REASON_2', 4],
      ['REASON_1', 1],
    ]);
  });

  it('keeps the name that a namespace had, and takes one that it got', () => {
    const known = new Map<number, string>();
    const rates = new TopRates(['netns'], namesOf(known));
    const row = (packets: number): TopReading => ({
      ...{ id: 'n', key: { other: false, netns: 7 }, packets, bytes: 0 },
    });
    const name = (packets: number): string | undefined =>
      rates.interval([row(packets)], moment, 'moved').rows[0]?.labels.netnsName;
    expect(name(1)).toBeUndefined();
    known.set(7, 'blue');
    expect(name(2)).toBe('blue');
    known.delete(7);
    expect(name(3)).toBe('blue');
    expect(rates.total([row(3)], moment).rows[0]?.labels).toMatchObject({
      ...{ netns: 7, netnsName: 'blue', netnsLabel: 'blue' },
    });
  });

  it('knows no reason where the hook has none', () => {
    const rates = new TopRates(['reason'], namesOf(new Map()));
    expect(rates.total([reading(0, 1)], moment).rows[0]?.labels.reason).toBeUndefined();
  });
});

describe('sumOfCpus()', () => {
  it('adds up the sums of all CPUs, beyond 32 bits', () => {
    const words = new BigUint64Array([5n, 500n, 1n << 33n, 7n, 2n, (1n << 40n) + 1n]);
    expect(sumOfCpus(new Uint8Array(words.buffer))).toEqual({
      packets: 7 + 2 ** 33,
      bytes: 508 + 2 ** 40,
    });
  });
});
