import { describe, expect, it } from 'vitest';
import { findHooks } from '../../../src/hooks/resolve.ts';

describe('findHooks()', () => {
  it('takes each hook once, by name or alias, in the order given', () => {
    const ids = findHooks(['rx', 'kfree_skb_reason', 'drop', 'tx']).map((spec) => spec.id);
    expect(ids).toEqual(['rx', 'drop', 'tx']);
  });

  it('names the nearest hooks when there is no such one', () => {
    expect(() => findHooks(['dorp'])).toThrow(
      expect.objectContaining({
        message: 'choosing hooks: dorp: no such hook',
        exitCode: 1,
        hint: expect.stringContaining('did you mean drop') as string,
      }),
    );
  });

  it.each(['xdp:eth0', 'afxdp', 'afxdp:tx', 'kprobe:icmp_rcv', 'consume', 'all'])(
    'says not yet for %s',
    (name) => {
      expect(() => findHooks([name])).toThrow(`choosing hooks: ${name}: not yet`);
    },
  );
});
