import { describe, expect, it } from 'vitest';
import { formatTopStats } from '../../../../src/capture/summary.ts';
import { planTop } from '../../../../src/capture/top/plan-top.ts';
import { UsageError } from '../../../../src/errors.ts';

const run = { by: undefined, intervalMs: 1000, maxRows: undefined, live: false } as const;
const drop = { id: 'drop', hasLocation: true };
const rx = { id: 'rx', hasLocation: false };

describe('planTop()', () => {
  it('counts drops by reason and place, others by hook and device, unless told by what', () => {
    expect(planTop(run, [drop], 2)).toEqual({
      by: ['reason', 'location'],
      ...{ keyBytes: 16, rows: 8192 },
    });
    expect(planTop(run, [drop, rx], 2).by).toEqual(['hook', 'iface']);
    expect(planTop({ ...run, by: ['flow'], maxRows: 3 }, [rx], 2)).toMatchObject({
      ...{ by: ['flow'], rows: 3 },
    });
  });

  it('counts no returns, and says what to count instead', () => {
    const hooks = [{ id: 'fexit:icmp_rcv', hasLocation: false, part: 'entry' as const }];
    const error = (() => {
      try {
        return planTop(run, hooks, 2);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({
      message: 'counting: fexit:icmp_rcv: what a function returns is not counted',
      hint: 'where it is called: --hook icmp_rcv',
    });
  });
});

describe('formatTopStats()', () => {
  it('adds up like the line of a capture', () => {
    const stats = {
      ...{
        hook: 'drop',
        seen: 210,
        rejected: { netns: 1, filter: 2 },
        matched: 207,
        skipped: 0,
        sampledOut: 0,
      },
      ...{ written: 200, lost: 7, left: 0, missed: 4, unreturned: 0 },
    };
    expect(formatTopStats(stats)).toBe(
      'drop: 210 seen, 3 rejected (netns 1, filter 2), 200 counted, 7 other, 4 missed',
    );
  });
});
