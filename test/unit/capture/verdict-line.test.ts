import { expect, it } from 'vitest';
import { formatVerdictLine } from '../../../src/capture/verdict-line.ts';
import type { HookStats } from '../../../src/output/sink.ts';

const stats = (hook: string, counts: Partial<HookStats>): HookStats => ({
  hook,
  seen: 0,
  rejected: {},
  matched: 0,
  written: 0,
  lost: 0,
  left: 0,
  unreturned: 0,
  skipped: 0,
  sampledOut: 0,
  missed: 0,
  ...counts,
});

it('has received and matched packets of each action in a column, then what was lost', () => {
  expect(
    formatVerdictLine([
      stats('XDPaborted', {}),
      stats('XDPdrop', { seen: 254, matched: 17, lost: 3 }),
      stats('XDPxdpAction(5)', { seen: 2, matched: 2, missed: 1 }),
    ]),
  ).toBe('aborted: 0/0\tdrop: 254/17\txdpAction(5): 3/2\t(received/matched packets)\tlost: 4');
});
