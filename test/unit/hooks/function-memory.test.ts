import { describe, expect, it } from 'vitest';
import type { XcapError } from '../../../src/errors.ts';
import { parseHooks } from '../../../src/hooks/parse.ts';
import { resolveHooks, type ResolveOptions } from '../../../src/hooks/resolve.ts';
import type { ResolvedHook } from '../../../src/hooks/resolved.ts';
import type { KernelMemory } from '../../../src/kernel/memory.ts';
import { makeKernel, type MadeFunction, type MadeKernel } from '../../support/function-kernel.ts';
import { Kept } from '../../support/kept.ts';

const FUNCTIONS: readonly MadeFunction[] = [
  { name: 'icmp_rcv', params: ['skb'] },
  { name: 'icmp_echo', params: ['skb'] },
  { name: 'tcp_filter', params: ['sock', 'skb'] },
  { name: 'twice', params: ['skb'], symbols: 2 },
  { name: 'veth_xmit', params: ['skb', 'void*'], module: 'veth' },
  { name: 'nf_hook', params: ['void*', 'u32'] },
  { name: 'ip_forward', params: ['skb'], returns: 'int' },
];
const KALLSYMS = '/proc/kallsyms';
const TRACEABLE = '/sys/kernel/tracing/available_filter_functions';

/** What was found, and which files it took. */
function resolve(
  names: readonly string[],
  memory: KernelMemory | undefined,
  options: Partial<ResolveOptions> = {},
  kernel: Partial<MadeKernel> = {},
): { readonly hooks: readonly ResolvedHook[]; readonly reads: readonly string[] } {
  const { view, reader } = makeKernel({ functions: FUNCTIONS, memory, ...kernel });
  const hooks = resolveHooks(parseHooks(names), view, {
    ...{ reader, assumeAble: false, backend: undefined, exclude: [], maxHooks: undefined },
    ...{ skip: undefined },
    ...options,
  });
  return { hooks, reads: reader.reads };
}

describe('functions that were found before', () => {
  it.each([
    ['by name', ['icmp_rcv', 'tcp_filter', 'twice', 'veth_xmit']],
    ['by a pattern', ['icmp_*']],
    ['by @N and a prefix', ['kprobe:nf_hook@1', 'fentry:icmp_rcv']],
    ['by a name and a pattern that has it too', ['icmp_*', 'icmp_rcv', 'all']],
  ])('%s are the same, and no file is read for them', (_how, names) => {
    const memory = new Kept();
    const first = resolve(names, memory);
    expect(first.reads).toContain(KALLSYMS);
    expect(memory.size).toBe(1);
    const again = resolve(names, memory);
    expect(again.hooks).toEqual(first.hooks);
    expect(again.hooks.map(({ addresses }) => addresses)).toEqual(
      resolve(names, undefined).hooks.map(({ addresses }) => addresses),
    );
    expect(again.reads).not.toContain(KALLSYMS);
    expect(again.reads).not.toContain(TRACEABLE);
  });

  it('stand beside hooks that are looked for each time', () => {
    const memory = new Kept();
    const names = ['icmp_rcv', 'fexit:ip_forward', 'veth_xmit'];
    const first = resolve(names, memory);
    const again = resolve(names, memory);
    expect(again.hooks).toEqual(first.hooks);
    expect(again.hooks.map(({ id }) => id)).toEqual(first.hooks.map(({ id }) => id));
    expect(again.reads).toContain(KALLSYMS);
    const [answer = ''] = memory.values();
    expect(answer).toContain('veth_xmit');
    expect(answer).not.toContain('ip_forward');
  });

  it('are other ones for other names, another backend, other exclusions', () => {
    const memory = new Kept();
    resolve(['icmp_*'], memory);
    const others = [
      resolve(['icmp_?cv'], memory),
      resolve(['icmp_*'], memory, { exclude: ['icmp_rcv'] }),
      resolve(['icmp_*', 'twice'], memory),
    ];
    for (const { reads } of others) expect(reads).toContain(KALLSYMS);
    expect(others.map(({ hooks }) => hooks.map(({ id }) => id))).toEqual([
      ['icmp_rcv'],
      ['icmp_echo'],
      ['icmp_rcv', 'icmp_echo', 'twice'],
    ]);
    resolve(['icmp_rcv'], memory);
    expect(resolve(['icmp_rcv'], memory, { backend: 'kprobe' }).hooks[0]?.backend).toBe('kprobe');
  });

  it('are bounded by --max-hooks each time', () => {
    const memory = new Kept();
    resolve(['icmp_*'], memory);
    expect(() => resolve(['icmp_*'], memory, { maxHooks: 1 })).toThrow('--max-hooks 1');
  });

  it('are not kept when one of them cannot be hooked, or its address is hidden', () => {
    const memory = new Kept();
    const skipped: XcapError[] = [];
    const skip = (error: XcapError): void => void skipped.push(error);
    expect(() => resolve(['icmp_rcv', 'gone'], memory)).toThrow('gone');
    resolve(['icmp_rcv', 'gone'], memory, { skip });
    expect(skipped).toHaveLength(1);
    resolve(['icmp_rcv'], memory, {}, { hidden: true });
    expect(memory.size).toBe(0);
  });

  it('are nothing where no function is asked for', () => {
    const memory = new Kept();
    resolve(['fexit:ip_forward'], memory);
    expect(memory.size).toBe(0);
  });
});
