import { describe, expect, it } from 'vitest';
import { parseHooks } from '../../../src/hooks/parse.ts';
import { resolveHooks } from '../../../src/hooks/resolve.ts';
import type { FeatureAnswer } from '../../../src/kernel/features.ts';
import type { ResolvedHook } from '../../../src/hooks/resolved.ts';
import { openKernelView } from '../../../src/kernel/view.ts';
import { MapReader, RECORDED_KERNELS, recordedKernel } from '../../support/kernels.ts';

const LOGICAL = ['drop', 'consume', 'rx', 'tx'];

const DEFAULTS = {
  assumeAble: false,
  backend: undefined,
  exclude: [],
  maxHooks: undefined,
  skip: undefined,
};

function resolve(
  kernel: string,
  names: readonly string[],
  answer: FeatureAnswer = 'yes',
  assumeAble = false,
): readonly ResolvedHook[] {
  const reader = recordedKernel(kernel);
  const view = openKernelView({ reader, arch: 'x64', createProber: () => () => answer });
  return resolveHooks(parseHooks(names), view, { ...DEFAULTS, reader, assumeAble });
}

describe.each(RECORDED_KERNELS)('on Linux %s', (kernel) => {
  it('finds the packet of every logical hook', () => {
    const hooks = resolve(kernel, LOGICAL);
    expect(hooks.map(({ id }) => id)).toEqual(LOGICAL);
    for (const hook of hooks) {
      expect(hook).toMatchObject({ backend: 'tp-btf', module: undefined });
      expect(hook.arguments).toMatchObject({
        carrier: { kind: 'skb', typed: true },
        certain: true,
      });
      expect(hook.attachBtfId).toBeGreaterThan(0);
    }
  });

  it('takes the same arguments for the same tracepoint by its own name', () => {
    const [logical, named] = resolve(kernel, ['rx', 'tracepoint:net:netif_receive_skb']);
    expect(named).toMatchObject({
      id: 'tracepoint:net:netif_receive_skb',
      place: 'net:netif_receive_skb',
      attachBtfId: logical?.attachBtfId,
    });
    expect(named?.arguments).toEqual({ ...logical?.arguments, certain: false });
  });

  it('falls back to raw tracepoints', () => {
    expect(resolve(kernel, ['drop'], 'no')[0]?.backend).toBe('raw-tp');
    expect(resolve(kernel, ['drop'], { unknown: 'EPERM' })[0]?.backend).toBe('raw-tp');
    expect(resolve(kernel, ['drop'], { unknown: 'EPERM' }, true)[0]?.backend).toBe('tp-btf');
  });

  it('names the nearest tracepoint', () => {
    expect(() => resolve(kernel, ['tracepoint:skb:kfree_sbk'])).toThrow(
      expect.objectContaining({
        message: 'choosing hooks: tracepoint:skb:kfree_sbk: this kernel has no such tracepoint',
        hint: 'did you mean kfree_skb?',
      }),
    );
  });
});

describe('the arguments of drop', () => {
  const extras = (kernel: string): unknown => {
    const [hook] = resolve(kernel, ['drop']);
    const { carrier, location, reason, rxSk } = hook!.arguments;
    return [carrier.slot, location, reason, rxSk];
  };

  it('are those that the kernel has', () => {
    expect(extras('5.10')).toEqual([0, 1, undefined, undefined]);
    expect(extras('6.1')).toEqual([0, 1, 2, undefined]);
    expect(extras('7.2')).toEqual([0, 1, 2, 3]);
  });
});

describe('the category of a tracepoint', () => {
  it('is checked where tracefs shows it', () => {
    const recorded = recordedKernel('6.12');
    const reader = new MapReader({
      files: { ...Object.fromEntries(recorded.files), '/sys/kernel/tracing/events/x': '' },
      inodes: { '/sys/kernel/tracing/events/net/netif_receive_skb': { inode: 1, device: 1 } },
    });
    const view = openKernelView({ reader, arch: 'x64', createProber: () => () => 'yes' });
    const go = (name: string) => resolveHooks(parseHooks([name]), view, { ...DEFAULTS, reader });
    expect(go('tracepoint:net:netif_receive_skb')).toHaveLength(1);
    expect(() => go('tracepoint:skb:netif_receive_skb')).toThrow(
      expect.objectContaining({
        message: 'choosing hooks: tracepoint:skb:netif_receive_skb: no such tracepoint in skb',
        hint: 'did you mean tracepoint:net:netif_receive_skb?',
      }),
    );
  });
});
