import { describe, expect, it } from 'vitest';
import { findHooks, hookIndex } from '../../../src/hooks/resolve.ts';

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

describe('hookIndex()', () => {
  const specs = findHooks(['rx', 'drop']);

  it('is the place in the run, by name or alias', () => {
    expect(hookIndex(specs, 'drop')).toBe(1);
    expect(hookIndex(specs, 'kfree_skb_reason')).toBe(1);
  });

  it.each([
    ['tx', 'choosing hooks: tx: not traced in this run'],
    ['dorp', 'choosing hooks: dorp: no such hook'],
  ])('refuses %s', (name, message) => {
    expect(() => hookIndex(specs, name)).toThrow(message);
  });
});
