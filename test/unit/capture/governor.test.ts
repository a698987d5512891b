import { describe, expect, it } from 'vitest';
import { Governor, joinUnits, type HookLoad, type Step } from '../../../src/capture/governor.ts';

const CAPACITY = 2e9;

/** What a second was like: the nanoseconds of each hook's programs, and of the reader. */
function second(
  programs: readonly number[],
  reader = 0,
  events: Partial<HookLoad> = {},
): Parameters<Governor['judge']>[0] {
  const hooks = programs.map((programNs) => ({
    ...{ programNs, submitted: 0, written: 0 },
    ...events,
  }));
  return { capacityNs: CAPACITY, readerNs: reader, hooks };
}

/** What comes of two such seconds: a step is taken at the second. */
function twice(governor: Governor, ...args: Parameters<typeof second>): Step | undefined {
  expect(governor.judge(second(...args)).step).toBeUndefined();
  return governor.judge(second(...args)).step;
}

const PERCENT = CAPACITY / 100;

describe('Governor', () => {
  it('does nothing below the limit', () => {
    const governor = new Governor(0.02, [[0]]);
    for (let i = 0; i < 100; i++) {
      expect(governor.judge(second([PERCENT], PERCENT)).step).toBeUndefined();
    }
  });

  it('does nothing about one second above it', () => {
    const governor = new Governor(0.02, [[0]]);
    for (let i = 0; i < 10; i++) {
      expect(governor.judge(second([50 * PERCENT])).step).toBeUndefined();
      expect(governor.judge(second([PERCENT])).step).toBeUndefined();
    }
  });

  it('says what the share is made of', () => {
    const { share, programShare, readerShare } = new Governor(0.02, [[0], [1]]).judge(
      second([PERCENT, 2 * PERCENT], 4 * PERCENT),
    );
    expect(share).toBeCloseTo(0.07);
    expect(programShare).toBeCloseTo(0.03);
    expect(readerShare).toBeCloseTo(0.04);
  });

  it('looks at as much fewer events as the limit is exceeded, and goes by the lower of two seconds', () => {
    const governor = new Governor(0.02, [[0]]);
    governor.judge(second([7 * PERCENT]));
    const { share, step } = governor.judge(second([90 * PERCENT]));
    expect(share).toBeCloseTo(0.07);
    expect(step).toEqual({ kind: 'raise', levels: [[[0], 2]] });
    expect(twice(governor, [2.1 * PERCENT])).toEqual({ kind: 'raise', levels: [[[0], 3]] });
  });

  it('leaves hooks alone that cost little beside the hottest', () => {
    const governor = new Governor(0.02, [[0], [1], [2]]);
    expect(twice(governor, [0.1 * PERCENT, 3 * PERCENT, 2 * PERCENT])).toEqual({
      kind: 'raise',
      levels: [
        [[1], 2],
        [[2], 2],
      ],
    });
  });

  it('detaches the hottest when one event in 1024 is too much, and says which is the last', () => {
    const governor = new Governor(0.02, [[0], [1, 2]]);
    expect(twice(governor, [PERCENT, 90 * PERCENT, 90 * PERCENT])).toMatchObject({ kind: 'raise' });
    expect(twice(governor, [PERCENT, 90 * PERCENT, 90 * PERCENT])).toEqual({
      kind: 'raise',
      levels: [[[1, 2], 10]],
    });
    expect(twice(governor, [0.9 * PERCENT, 2 * PERCENT, 2 * PERCENT])).toEqual({
      kind: 'detach',
      unit: [1, 2],
      last: false,
    });
    for (const level of [5, 10]) {
      expect(twice(governor, [60 * PERCENT, 0, 0])).toEqual({
        kind: 'raise',
        levels: [[[0], level]],
      });
    }
    expect(twice(governor, [3 * PERCENT, 0, 0])).toEqual({ kind: 'detach', unit: [0], last: true });
    expect(twice(governor, [0, 0, 0], 90 * PERCENT)).toEqual({ kind: 'helpless' });
  });

  it('blames those for the reader whose events it reads', () => {
    const governor = new Governor(0.02, [[0], [1]]);
    const loud = {
      capacityNs: CAPACITY,
      readerNs: 10 * PERCENT,
      hooks: [
        { programNs: 0.5 * PERCENT, submitted: 10, written: 10 },
        { programNs: 0.1 * PERCENT, submitted: 990, written: 990 },
      ],
    };
    governor.judge(loud);
    expect(governor.judge(loud).step).toEqual({ kind: 'raise', levels: [[[1], 3]] });
  });

  it('does not mind what the reader works off of earlier events', () => {
    const governor = new Governor(0.02, [[0]]);
    const behind = { submitted: 10, written: 1000 };
    expect(governor.judge(second([0], 50 * PERCENT, behind)).share).toBeCloseTo(0.005);
  });

  it('says once that nothing would help', () => {
    const governor = new Governor(0.02, [[0]]);
    expect(twice(governor, [0], 3 * PERCENT)).toEqual({ kind: 'helpless' });
    expect(twice(governor, [0], 3 * PERCENT)).toBeUndefined();
  });

  it('looks at more again after ten calm seconds, not where it is calm only just', () => {
    const governor = new Governor(0.02, [[0], [1]]);
    twice(governor, [8 * PERCENT, 0]);
    for (let i = 0; i < 50; i++) {
      expect(governor.judge(second([PERCENT, 0])).step).toBeUndefined();
    }
    for (const step of [
      { kind: 'lower', levels: [[[0], 1]] },
      { kind: 'lower', levels: [[[0], 0]] },
      undefined,
    ]) {
      for (let i = 0; i < 9; i++) expect(governor.judge(second([0, 0])).step).toBeUndefined();
      expect(governor.judge(second([0, 0])).step).toEqual(step);
    }
  });
});

describe('joinUnits()', () => {
  it('joins what has a number in common, directly or not', () => {
    expect(joinUnits([[0], [1, 2], [3], [0], [2, 3], [4]])).toEqual([[0], [1, 2, 3], [4]]);
  });
});
