import { describe, expect, it } from 'vitest';
import { parseHooks } from '../../../src/hooks/parse.ts';
import { resolveHooks, type ResolveOptions } from '../../../src/hooks/resolve.ts';
import { hookIds, type ResolvedHook } from '../../../src/hooks/resolved.ts';
import type { FeatureId } from '../../../src/kernel/features.ts';
import {
  makeKernel,
  type MadeFunction,
  type MadeKernel,
  type ParameterType,
} from '../../support/function-kernel.ts';

const OPTIONS: Omit<ResolveOptions, 'reader'> = {
  assumeAble: false,
  backend: undefined,
  exclude: [],
  maxHooks: undefined,
  skip: undefined,
};

const KERNEL: MadeKernel = {
  functions: [
    { name: '__dev_direct_xmit', params: ['skb', 'u32'] },
    { name: 'xsk_generic_rcv', params: ['xsk', 'xdp'] },
    { name: '__xsk_map_redirect', params: ['xsk', 'xdp'] },
  ],
  symbols: ['xsk_destruct_skb'],
};

function resolve(
  names: readonly string[],
  kernel: Partial<MadeKernel> = {},
): readonly ResolvedHook[] {
  const { view, reader } = makeKernel({ ...KERNEL, ...kernel });
  return resolveHooks(parseHooks(names), view, { ...OPTIONS, reader });
}

describe('afxdp', () => {
  it('is transmission and reception, each one hook wherever it is attached', () => {
    const hooks = resolve(['afxdp']);
    expect(hooks.map(({ id, target }) => [id, target])).toEqual([
      ['afxdp:tx', '__dev_direct_xmit'],
      ['afxdp:rx', 'xsk_generic_rcv'],
      ['afxdp:rx', '__xsk_map_redirect'],
    ]);
    expect(hookIds(hooks)).toEqual(['afxdp:tx', 'afxdp:rx']);
  });

  it('sends without copying where drivers take descriptors', () => {
    const functions = [
      ...KERNEL.functions,
      { name: 'xsk_tx_peek_desc', params: ['pool', 'desc'] } as const,
    ];
    const [copied, zeroCopy] = resolve(['afxdp:tx'], { functions });
    expect(copied?.target).toBe('__dev_direct_xmit');
    expect(zeroCopy).toMatchObject({
      ...{ id: 'afxdp:tx', target: 'xsk_tx_peek_desc', backend: 'fexit', direction: 'outbound' },
      ...{ arguments: { carrier: { kind: 'xsk', slot: 0, typed: false }, descriptor: 1 } },
      returnSlot: undefined,
    });
    const [, typed] = resolve(['afxdp:tx'], { functions, without: ['get-func-arg'] });
    expect(typed).toMatchObject({ returnSlot: 2, arguments: { carrier: { typed: false } } });
    expect(resolve(['afxdp:tx'], { functions, without: ['fentry'] })).toHaveLength(1);
  });

  it('sends batches where drivers take as many descriptors as there are', () => {
    const one = { name: 'xsk_tx_peek_desc', params: ['pool', 'desc'] } as const;
    const batch = (...params: readonly ParameterType[]): MadeFunction => ({
      ...{ name: 'xsk_tx_peek_release_desc_batch', params },
    });
    const zeroCopy = (made: MadeFunction, without: readonly FeatureId[] = []): unknown => {
      const functions = [...KERNEL.functions, one, made];
      const [, ...hooks] = resolve(['afxdp:tx'], { functions, without });
      return hooks.map((hook) => [hook.arguments.carrier.kind, hook.arguments.butBatches]);
    };
    const both = [
      ['xsk', true],
      ['xsk-batch', undefined],
    ];
    expect(zeroCopy(batch('pool', 'u32'))).toEqual(both);
    // Each descriptor is then an event where it is written.
    const single = [['xsk', undefined]];
    expect(zeroCopy(batch('pool', 'desc', 'u32'))).toEqual(single);
    expect(zeroCopy(batch('pool', 'u32'), ['bpf-loop'])).toEqual(single);
    expect(zeroCopy(batch('pool', 'u32'), ['get-func-arg'])).toEqual(single);
  });

  it('sends packets that start at their data and that are a socket of its kind', () => {
    expect(resolve(['afxdp:tx'])[0]).toMatchObject({
      atData: true,
      destructor: 0xffffffff81000400n,
      direction: 'outbound',
      arguments: { carrier: { kind: 'skb', slot: 0 } },
    });
  });

  it('receives packets without an skb, whatever else the socket holds', () => {
    expect(resolve(['afxdp:rx'])[0]?.arguments.carrier).toMatchObject({ kind: 'xdp', slot: 1 });
  });

  it('is hooked by kprobes where fentry is not given that argument', () => {
    const hooks = resolve(['afxdp'], { without: ['get-func-arg', 'kprobe-multi'] });
    expect(hooks.map(({ backend }) => backend)).toEqual(['fentry', 'kprobe', 'kprobe']);
  });

  it('does with one of the functions where the kernel has no more', () => {
    const functions = KERNEL.functions.filter(({ name }) => name !== 'xsk_generic_rcv');
    expect(resolve(['afxdp:rx'], { functions }).map(({ target }) => target)).toEqual([
      '__xsk_map_redirect',
    ]);
    expect(() => resolve(['afxdp:rx'], { functions: [] })).toThrow(
      'choosing hooks: afxdp:rx: no such',
    );
  });
});
