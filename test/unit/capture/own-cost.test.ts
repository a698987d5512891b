import { describe, expect, it } from 'vitest';
import {
  formatProgramCosts,
  formatReaderCost,
  formatTime,
  formatRuleCosts,
} from '../../../src/capture/own-cost.ts';
import { ringKiB } from '../../../src/capture/reader-cost.ts';

const named = (...ids: readonly string[]) => ids.map((id) => ({ id, pattern: undefined }));
const cost = (hooks: readonly number[], runs: number, ns: number, measured = true) => ({
  ...{ hooks, runs, ns, measured },
});

describe('formatRuleCosts()', () => {
  it('adds up the programs of a place, and leaves out places that nothing passed', () => {
    expect(
      formatRuleCosts([
        { place: 'f [m]', runs: 10, ns: 1000 },
        { place: 'g', runs: 0, ns: 0 },
        { place: 'f [m]', runs: 30, ns: 1000 },
      ]),
    ).toEqual(['--rule at f [m]: cost: 50 ns per run, 40 runs of 2 programs, 2.0 us of CPU time']);
  });
});

describe('formatProgramCosts()', () => {
  it('has a line for each hook that was named', () => {
    expect(
      formatProgramCosts(
        [cost([0], 1000, 95_000), cost([1], 0, 0)],
        ['drop', 'rx'],
        named('drop', 'rx'),
      ),
    ).toEqual([
      'drop: cost: 95 ns per run, 1000 runs, 95.0 us of CPU time',
      'rx: cost: no run of its program',
    ]);
  });

  it('adds up the programs of a hook', () => {
    expect(
      formatProgramCosts(
        [cost([0], 10, 1000), cost([0], 10, 500)],
        ['fexit:f'],
        named('fexit:f', 'fexit:f'),
      ),
    ).toEqual(['fexit:f: cost: 75 ns per run, 20 runs of 2 programs, 1.5 us of CPU time']);
  });

  it('shows of a pattern what ran, and the sum', () => {
    const hooks = ['f_a', 'f_b', 'f_c'].map((id) => ({ id, pattern: 'f_*' }));
    expect(
      formatProgramCosts(
        [cost([0], 1, 100), cost([1], 0, 0), cost([2], 3, 500)],
        ['f_a', 'f_b', 'f_c'],
        hooks,
      ),
    ).toEqual([
      'f_a: cost: 100 ns per run, 1 runs, 100 ns of CPU time',
      'f_c: cost: 167 ns per run, 3 runs, 500 ns of CPU time',
      'f_*: cost: 150 ns per run, 4 runs of 3 programs, 600 ns of CPU time',
    ]);
  });

  it('has one line for hooks that share a program', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const line = 'cost: 100 ns per run, 2 runs, 200 ns of CPU time';
    const costs = [cost([0, 1, 2, 3, 4, 5], 2, 200)];
    expect(formatProgramCosts(costs, ids, named(...ids))).toEqual([
      `a, b, c, d and 2 more: ${line}`,
    ]);
    const hooks = ids.map((id) => ({ id, pattern: 'all' }));
    expect(formatProgramCosts(costs, ids, hooks)).toEqual([`all (6 functions): ${line}`]);
  });

  it('says what the kernel does not measure', () => {
    expect(formatProgramCosts([cost([0], 0, 0, false)], ['xdpmap:/x'], named('xdpmap:/x'))).toEqual(
      ['xdpmap:/x: cost not measured: it runs as a part of the program that calls it'],
    );
  });
});

describe('formatReaderCost()', () => {
  it('has time, share and memory', () => {
    const reader = { cpuNs: 41e7, elapsedNs: 10e9, startCpuNs: 5e8, residentKiB: 90 * 1024 };
    expect(formatReaderCost({ ...reader, ringKiB: 32 * 1024 })).toBe(
      'reader: cost: 410.00 ms of CPU time in 10.00 s (4.1 % of one CPU) after 500.00 ms to start, 58.0 MiB resident beside the mapped ring',
    );
    expect(formatReaderCost({ ...reader, ringKiB: undefined })).toMatch(
      /, 90\.0 MiB resident with the mapped ring$/,
    );
  });
});

describe('formatTime()', () => {
  it.each([
    [95.4, '95 ns'],
    [12_345, '12.3 us'],
    [4_560_000, '4.56 ms'],
    [61e9, '61.00 s'],
  ])('%d', (ns, text) => {
    expect(formatTime(ns)).toBe(text);
  });
});

describe('ringKiB()', () => {
  it('takes the pages of mapped BPF maps alone', () => {
    const smaps = [
      '7f00-7f10 rw-s 00000000 00:0e 1 anon_inode:bpf-map',
      'Size: 64 kB',
      'Rss: 16 kB',
      '7f10-7f20 r--p 00000000 00:0e 1 /usr/bin/node',
      'Rss: 1000 kB',
      '7f20-7f30 r--s 00001000 00:0e 1 anon_inode:bpf-map',
      'Rss: 4 kB',
      '',
    ];
    expect(ringKiB(smaps.join('\n'))).toBe(20);
  });
});
