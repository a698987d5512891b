import { describe, expect, it } from 'vitest';
import { parseHooks } from '../../../src/hooks/parse.ts';
import { hookIndex } from '../../../src/hooks/resolve.ts';

describe('parseHooks()', () => {
  it('takes each hook once, by name or alias, in the order given', () => {
    const ids = parseHooks(['rx', 'kfree_skb_reason', 'drop', 'tx', 'consume']).map(({ id }) => id);
    expect(ids).toEqual(['rx', 'drop', 'tx', 'consume']);
  });

  it('takes a tracepoint apart, and keeps its name as it was typed', () => {
    expect(parseHooks(['tracepoint:net:netif_rx'])).toEqual([
      {
        kind: 'tracepoint',
        id: 'tracepoint:net:netif_rx',
        category: 'net',
        name: 'netif_rx',
      },
    ]);
  });

  it('names the nearest hooks when there is no such one', () => {
    expect(() => parseHooks(['dorp'])).toThrow(
      expect.objectContaining({
        message: 'choosing hooks: dorp: no such hook',
        exitCode: 1,
        hint: expect.stringContaining('did you mean drop') as string,
      }),
    );
  });

  it.each(['tracepoint:', 'tracepoint:net', 'tracepoint:net:', 'tracepoint:a:b:c'])(
    'says how a tracepoint is named for %s',
    (name) => {
      expect(() => parseHooks([name])).toThrow(`choosing hooks: ${name}: no name of a tracepoint`);
    },
  );

  it.each(['xdp:eth0', 'afxdp', 'afxdp:tx', 'kprobe:icmp_rcv', 'all'])(
    'says not yet for %s',
    (name) => {
      expect(() => parseHooks([name])).toThrow(`choosing hooks: ${name}: not yet`);
    },
  );
});

describe('hookIndex()', () => {
  const hooks = parseHooks(['rx', 'drop']);

  it('is the place in the run, by name or alias', () => {
    expect(hookIndex(hooks, 'drop')).toBe(1);
    expect(hookIndex(hooks, 'kfree_skb_reason')).toBe(1);
  });

  it.each([
    ['tx', 'choosing hooks: tx: not traced in this run'],
    ['dorp', 'choosing hooks: dorp: no such hook'],
  ])('refuses %s', (name, message) => {
    expect(() => hookIndex(hooks, name)).toThrow(message);
  });
});
