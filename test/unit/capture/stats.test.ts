import { describe, expect, it } from 'vitest';
import { COUNTERS, type Counter } from '../../../src/abi/counters.ts';
import { hookStats, sumCounter, sumCounters, sumsError } from '../../../src/capture/stats.ts';
import { explainNothing, formatStats, summarise } from '../../../src/capture/summary.ts';
import type { HookStats } from '../../../src/output/sink.ts';

function kernel(counts: Partial<Record<Counter, number>>): number[] {
  return COUNTERS.map((name) => counts[name] ?? 0);
}

describe('sumCounters()', () => {
  it('adds up the copies of all possible CPUs', () => {
    const value = new BigUint64Array(COUNTERS.length * 3);
    const submitted = COUNTERS.indexOf('submitted');
    [5n, 7n, 11n].forEach((n, cpu) => (value[cpu * COUNTERS.length + submitted] = n));
    expect(sumCounters(new Uint8Array(value.buffer), 3)[submitted]).toBe(23);
  });
});

describe('sumCounter()', () => {
  it('adds up one counter of all hooks and CPUs, where it went down on one of them too', () => {
    const values = new BigUint64Array(COUNTERS.length * 4);
    const waiting = COUNTERS.indexOf('waiting');
    [5n, BigInt.asUintN(64, -2n), 2n ** 40n, 11n].forEach((n, copy) => {
      values.fill(1n, copy * COUNTERS.length, (copy + 1) * COUNTERS.length);
      values[copy * COUNTERS.length + waiting] = n;
    });
    const bytes = new Uint8Array(values.buffer);
    expect(sumCounter(bytes, 'waiting')).toBe(2 ** 40 + 14);
    expect(sumCounter(bytes, COUNTERS[0])).toBe(4);
    expect(sumCounter(bytes.subarray(0, 0), 'waiting')).toBe(0);
  });
});

describe('hookStats()', () => {
  it('has what waits for a return apart, whichever CPUs it went up and down on', () => {
    const value = new BigUint64Array(COUNTERS.length * 2);
    const waiting = COUNTERS.indexOf('waiting');
    value[waiting] = 7n;
    value[COUNTERS.length + waiting] = BigInt.asUintN(64, -4n);
    const counts = sumCounters(new Uint8Array(value.buffer), 2);
    const stats = hookStats('fexit:f', counts, { written: 0, left: 0, recursionMisses: 0 });
    expect(stats).toMatchObject({ seen: 0, matched: 0, missed: 0, unreturned: 3 });
    expect(sumsError(stats)).toBeUndefined();
    expect(formatStats(stats)).toMatch(/, 0 missed, 3 not returned$/);
  });

  const stats = hookStats(
    'drop',
    kernel({ submitted: 90, lost: 10, rejected_filter: 5, rejected_netns: 3, missed: 2 }),
    { written: 80, left: 10, recursionMisses: 1 },
  );

  it('makes sums that hold, with missed apart', () => {
    expect(stats).toMatchObject({
      seen: 108,
      matched: 100,
      lost: 10,
      written: 80,
      left: 10,
      missed: 3,
    });
    expect(sumsError(stats)).toBeUndefined();
  });

  it('shows only filters that rejected', () => {
    expect(stats.rejected).toEqual({ netns: 3, filter: 5 });
  });

  it('is caught when a record went missing', () => {
    const wrong = hookStats('drop', kernel({ submitted: 9 }), {
      written: 8,
      left: 0,
      recursionMisses: 0,
    });
    expect(sumsError(wrong)).toBe('matched is not sampled out + lost + written + left');
  });

  it('prints as one line', () => {
    expect(formatStats(stats)).toBe(
      'drop: 108 seen, 8 rejected (netns 3, filter 5), 100 matched, 80 written, 10 lost, 10 left, 3 missed',
    );
  });
});

describe('what chance left out', () => {
  const stats = hookStats(
    'drop',
    kernel({ submitted: 3, lost: 1, rejected_filter: 5, skipped: 70, sampled_out: 20 }),
    { written: 3, left: 0, recursionMisses: 0 },
  );

  it('is in the sums: before the filters, or of what matched', () => {
    expect(stats).toMatchObject({ seen: 99, skipped: 70, matched: 24, sampledOut: 20 });
    expect(sumsError(stats)).toBeUndefined();
    expect(sumsError({ ...stats, skipped: 69 })).toBe('seen is not skipped + rejected + matched');
    expect(sumsError({ ...stats, sampledOut: 19 })).toMatch(/^matched is not sampled out/);
  });

  it('is in the line', () => {
    expect(formatStats(stats)).toBe(
      'drop: 99 seen, 70 skipped, 5 rejected (filter 5), 24 matched, 20 sampled out, 3 written, 1 lost, 0 missed',
    );
  });
});

describe('explainNothing()', () => {
  const reader = { written: 0, left: 0, recursionMisses: 0 };

  it('names chance, where that left out all', () => {
    const out = hookStats('drop', kernel({ sampled_out: 7, rejected_filter: 9 }), reader);
    expect(explainNothing([out], ['drop'])[0]).toBe(
      'nothing captured: 7 events matched, and chance left out all of them',
    );
    const skipped = hookStats('drop', kernel({ skipped: 10, rejected_filter: 9 }), reader);
    expect(explainNothing([skipped], ['drop'])[0]).toBe(
      'nothing captured: 10 events skipped for --max-overhead',
    );
  });

  it('names the filter that rejected most', () => {
    const stats = hookStats('drop', kernel({ rejected_filter: 7, rejected_netns: 2 }), reader);
    expect(explainNothing([stats], ['drop'])[0]).toBe(
      'nothing captured: 7 events rejected by filter',
    );
  });

  it('says that there was no event at all', () => {
    const lines = explainNothing([hookStats('drop', kernel({}), reader)], ['packet drops']);
    expect(lines[0]).toBe('nothing captured: no event at drop while tracing');
  });

  it('names many hooks by their pattern', () => {
    const all = Array.from({ length: 9 }, (_, i) => hookStats(`f${i}`, kernel({}), reader));
    expect(explainNothing(all, ['all (9 functions, kprobe.multi)'])[0]).toBe(
      'nothing captured: no event at all (9 functions, kprobe.multi) while tracing',
    );
  });

  it('is silent when something matched', () => {
    expect(explainNothing([hookStats('drop', kernel({ lost: 1 }), reader)], ['drop'])).toEqual([]);
  });
});

describe('summarise()', () => {
  const of = (hook: string, counts: Partial<Record<Counter, number>>, written = 0): HookStats =>
    hookStats(hook, kernel(counts), { written, left: 0, recursionMisses: 0 });

  it('leaves out what a pattern found and nothing came by, and adds all up', () => {
    const all = [
      of('drop', {}),
      of('tcp_v4_rcv', { submitted: 3, rejected_filter: 2 }, 3),
      of('tcp_v6_rcv', {}),
      of('tcp_filter', { submitted: 1, rejected_filter: 1, rejected_netns: 4 }, 1),
    ];
    const hooks = all.map(({ hook }) => ({
      id: hook,
      pattern: hook === 'drop' ? undefined : 'tcp_*',
    }));
    const lines = summarise(all, hooks);
    expect(lines.map(({ hook }) => hook)).toEqual(['drop', 'tcp_v4_rcv', 'tcp_filter', 'tcp_*']);
    expect(lines.at(-1)).toMatchObject({
      seen: 11,
      rejected: { filter: 3, netns: 4 },
      matched: 4,
      written: 4,
    });
  });
});
