import { describe, expect, it } from 'vitest';
import type { XcapError } from '../../../src/errors.ts';
import { parseHooks } from '../../../src/hooks/parse.ts';
import { resolveHooks } from '../../../src/hooks/resolve.ts';
import { describeHooks, hookIds, type ResolvedHook } from '../../../src/hooks/resolved.ts';
import { decodeReturn } from '../../../src/records/returned.ts';
import { makeKernel, type MadeFunction, type MadeKernel } from '../../support/function-kernel.ts';

const FUNCTIONS: readonly MadeFunction[] = [
  { name: 'icmp_rcv', params: ['skb'], returns: 'int' },
  { name: 'ip_rcv_finish', params: ['net', 'sock', 'skb'], returns: 'int' },
  { name: 'can_xmit', params: ['skb'], returns: 'bool' },
  { name: 'xmit', params: ['skb'], returns: 'verdict' },
  { name: 'scrub', params: ['skb'], returns: 'void' },
  { name: 'clone', params: ['skb', 'u32'], returns: 'skb' },
  { name: 'push', params: ['skb'], returns: 'void*' },
  { name: 'bind', params: ['sock'], returns: 'int' },
  { name: 'twice', params: ['skb'], symbols: 2, returns: 'int' },
  { name: 'old_xmit', params: ['skb'], module: 'old', typed: false },
];

function resolve(name: string, kernel: Partial<MadeKernel> = {}): readonly ResolvedHook[] {
  const { view, reader } = makeKernel({ functions: FUNCTIONS, ...kernel });
  return resolveHooks(parseHooks([name]), view, {
    ...{ reader, assumeAble: false, backend: undefined, exclude: [] },
    ...{ maxHooks: undefined, skip: undefined },
  });
}

function refusal(...args: Parameters<typeof resolve>): XcapError {
  try {
    resolve(...args);
  } catch (error) {
    return error as XcapError;
  }
  throw new Error('it was resolved');
}

describe('the return of a function', () => {
  it.each([
    ['fexit:icmp_rcv', 'fexit', 'fentry'],
    ['kretprobe:icmp_rcv', 'kretprobe', 'kprobe'],
    ['kretprobe:old_xmit@1', 'kretprobe', 'kprobe'],
  ])('is two attach points of one hook, the return first: %s', (name, atReturn, atEntry) => {
    const hooks = resolve(name);
    expect(hookIds(hooks)).toEqual([name]);
    expect(hooks.map(({ backend, part }) => [backend, part])).toEqual([
      [atReturn, 'return'],
      [atEntry, 'entry'],
    ]);
    expect(describeHooks(hooks)).toEqual([expect.stringMatching(new RegExp(`\\(${atReturn}\\)$`))]);
  });

  it('is at each piece of code of that name', () => {
    const [first, second] = resolve('kretprobe:twice');
    expect(first?.addresses).toHaveLength(2);
    expect(second?.addresses).toEqual(first?.addresses);
  });

  it.each<[string, bigint, string]>([
    ['icmp_rcv', 0xffff_ffffn, '-EPERM'],
    ['icmp_rcv', 1n, '1'],
    ['can_xmit', 0xffff_ff01n, '1'],
    ['xmit', 3n, 'VERDICT_PASS'],
    ['xmit', 0xffff_ffffn, 'VERDICT_NONE'],
    ['clone', 0n, 'NULL'],
    ['bind', 0xffff_ff9en, '-EADDRINUSE'],
  ])('has the type of %s: 0x%s is %s', (name, value, ret) => {
    for (const prefix of ['fexit', 'kretprobe']) {
      const [hook] = resolve(`${prefix}:${name}`);
      expect(hook?.returns && decodeReturn(hook.returns, value)).toEqual({ ret });
    }
  });

  it('is of no value where the function has none', () => {
    expect(resolve('fexit:scrub')[0]?.returns).toBeUndefined();
    expect(resolve('kretprobe:scrub')[0]?.returns).toBeUndefined();
  });

  it('is a register where there are no types', () => {
    expect(resolve('kretprobe:old_xmit@1')[0]?.returns).toEqual({ kind: 'register' });
  });

  it('lies behind the arguments where no helper gives it', () => {
    const without = { without: ['get-func-arg'] } as const;
    expect(resolve('fexit:ip_rcv_finish')[0]?.returnSlot).toBeUndefined();
    expect(resolve('fexit:ip_rcv_finish', without)[0]?.returnSlot).toBe(3);
    expect(resolve('fexit:clone', without)[0]?.returnSlot).toBe(2);
    expect(resolve('fexit:scrub', without)[0]?.returnSlot).toBeUndefined();
    const error = refusal('fexit:push', without);
    expect(error.message).toBe(
      'choosing hooks: fexit:push: this kernel does not give fexit programs a value of that type',
    );
    expect(error.hint).toMatch(/kretprobe:/);
  });
});

describe('a return that cannot be had', () => {
  it.each<[string, number, RegExp, Partial<MadeKernel>?]>([
    ['fexit:icmp_rvc', 1, /: no such function$/],
    ['fexit:icmp_rcv', 4, /: no fentry|no fentry programs$/, { without: ['fentry'] }],
    ['kretprobe:icmp_rcv', 4, /this kernel has no kprobes$/, { without: ['kprobe'] }],
    ['fexit:old_xmit', 4, /module old has no BTF/],
    ['fexit:old_xmit@1', 4, /there are no types of it$/],
    ['fexit:twice', 4, /there are several functions of that name$/],
  ])('%s is told', (name, status, message, kernel) => {
    const error = refusal(name, kernel);
    expect(error.message).toMatch(message);
    expect(error.exitCode).toBe(status);
  });
});
