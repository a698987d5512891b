import { describe, expect, it } from 'vitest';
import type { XcapError } from '../../../src/errors.ts';
import { parseHooks } from '../../../src/hooks/parse.ts';
import { resolveHooks, type ResolveOptions } from '../../../src/hooks/resolve.ts';
import type { ResolvedHook } from '../../../src/hooks/resolved.ts';
import { makeKernel, type MadeFunction, type MadeKernel } from '../../support/function-kernel.ts';

const FUNCTIONS: readonly MadeFunction[] = [
  { name: 'icmp_rcv', params: ['skb'] },
  { name: 'ip_rcv_finish', params: ['net', 'sock', 'skb'] },
  { name: 'tcp_filter', params: ['sock', 'skb'] },
  { name: 'do_xdp_generic', params: ['void*', 'skb**'] },
  // Where it puts a packet: what is there before is anything.
  { name: 'try_recv_datagram', params: ['sock', 'skb** last'] },
  { name: 'tcp_connect', params: ['sock'] },
  { name: 'nft_do_chain', params: ['pktinfo', 'void*'] },
  { name: 'nf_hook', params: ['void*', 'u32'] },
  { name: 'behind_struct', params: ['pair', 'skb'] },
  { name: 'on_the_stack', params: ['u32', 'u32', 'u32', 'u32', 'u32', 'u32', 'skb'] },
  { name: 'printk_skb', params: ['skb', '...'] },
  { name: 'twice', params: ['skb'], symbols: 2 },
  { name: 'inlined', params: ['skb'], symbols: 0 },
  { name: 'notrace_rcv', params: ['skb'], traceable: false },
  { name: 'veth_xmit', params: ['skb', 'void*'], module: 'veth' },
  { name: 'old_xmit', params: ['skb'], module: 'old', typed: false },
];

function resolve(
  names: readonly string[],
  kernel: Partial<MadeKernel> = {},
  options: Partial<ResolveOptions> = {},
): readonly ResolvedHook[] {
  const { view, reader } = makeKernel({ functions: FUNCTIONS, ...kernel });
  return resolveHooks(parseHooks(names), view, {
    reader,
    assumeAble: false,
    backend: undefined,
    exclude: [],
    maxHooks: undefined,
    skip: undefined,
    ...options,
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

describe('the packet of a function', () => {
  it.each([
    ['icmp_rcv', 'skb', 0],
    ['ip_rcv_finish', 'skb', 2],
    ['tcp_filter', 'skb', 1],
    ['do_xdp_generic', 'skb-pointer', 1],
    ['tcp_connect', 'sock', 0],
    ['try_recv_datagram', 'sock', 0],
    ['behind_struct', 'skb', 2],
    ['nft_do_chain', 'skb-member', 0],
    ['nf_hook@1', 'skb', 0],
    ['tcp_filter@1', 'sock', 0],
    ['old_xmit@2', 'skb', 1],
  ])('%s is %s in word %i', (name, kind, slot) => {
    expect(resolve([name])[0]?.arguments.carrier).toMatchObject({ kind, slot });
  });
});

it('is told from the place of a struct that holds it', () => {
  expect(resolve(['nft_do_chain'])[0]?.arguments.carrier).toMatchObject({
    struct: 'nft_pktinfo',
    offset: 8,
    typed: false,
  });
});

describe('many functions that are named one by one', () => {
  const named = (count: number): MadeFunction[] =>
    Array.from({ length: count }, (_, i) => ({ name: `rcv_${i}`, params: ['skb'] }));
  const backends = (count: number): ReadonlySet<string> => {
    const functions = named(count);
    const hooks = resolve(
      functions.map(({ name }) => name),
      { functions },
    );
    return new Set(hooks.map(({ backend }) => backend));
  };

  it('are hooked as those of a pattern, few each by itself', () => {
    expect(backends(16)).toEqual(new Set(['fentry']));
    expect(backends(17)).toEqual(new Set(['kprobe-multi']));
  });

  it('keep the backend that was asked for', () => {
    const functions = named(17);
    const asked = functions.map(({ name }) => `fentry:${name}`);
    expect(new Set(resolve(asked, { functions }).map(({ backend }) => backend))).toEqual(
      new Set(['fentry']),
    );
  });
});

describe('the backend of a function', () => {
  it.each<[string, string, Partial<MadeKernel>]>([
    ['icmp_rcv', 'fentry', {}],
    ['fentry:icmp_rcv', 'fentry', {}],
    ['kprobe:icmp_rcv', 'kprobe', {}],
    ['veth_xmit', 'fentry', {}],
    ['do_xdp_generic', 'fentry', {}],
    // A pointer to a pointer is no argument that the verifier knows.
    ['do_xdp_generic', 'kprobe-multi', { without: ['get-func-arg'] }],
    ['icmp_rcv', 'kprobe-multi', { without: ['fentry'] }],
    ['icmp_rcv', 'kprobe', { without: ['fentry', 'kprobe-multi'] }],
    ['icmp_rcv', 'kprobe', { without: ['fentry'], hidden: true }],
    // fentry takes the first of that name, structs by value and `...` not at all.
    ['twice', 'kprobe-multi', {}],
    ['behind_struct', 'kprobe-multi', {}],
    ['printk_skb', 'kprobe-multi', {}],
    ['old_xmit@1', 'kprobe-multi', {}],
    ['old_xmit@1', 'kprobe', { without: ['kprobe-multi'] }],
  ])('%s is %s', (name, backend, kernel) => {
    expect(resolve([name], kernel)[0]?.backend).toBe(backend);
  });

  it('is the one of --backend, but for names with a prefix', () => {
    const hooks = resolve(['icmp_rcv', 'fentry:tcp_filter'], {}, { backend: 'kprobe' });
    expect(hooks.map(({ backend }) => backend)).toEqual(['kprobe', 'fentry']);
  });

  it('attaches to every piece of code of a name', () => {
    expect(resolve(['twice'])[0]?.addresses).toHaveLength(2);
    expect(resolve(['icmp_rcv'])[0]?.addresses).toEqual([0xffffffff81000100n]);
  });

  it('takes a module function by the BTF of its module', () => {
    const [hook] = resolve(['veth_xmit']);
    expect(hook).toMatchObject({ module: 'veth', place: 'veth_xmit [veth]' });
    expect(hook?.attachBtfId).toBeGreaterThan(0);
  });
});

describe('a function that cannot be hooked', () => {
  it.each<[string, number, RegExp, RegExp, Partial<MadeKernel>?]>([
    ['icmp_rvc', 1, /: no such hook$/, /did you mean icmp_rcv\?/],
    ['fentry:icmp_rvc', 1, /: no such function$/, /did you mean icmp_rcv\?/],
    ['dorp', 1, /: no such hook$/, /did you mean drop\?/],
    ['zzzz', 1, /: no such hook$/, /tracepoint:CATEGORY:NAME/],
    ['inlined', 4, /: it is inlined wherever it is called/, /near it|xcap hooks/],
    ['notrace_rcv', 4, /: the kernel does not let it be traced/, /near it|xcap hooks/],
    [
      'old_xmit',
      4,
      /: module old has no BTF: which argument is the packet\?$/,
      /kprobe:old_xmit@1/,
    ],
    ['nf_hook', 4, /: it has no argument that is a packet or a socket: \(p1, p2\)$/, /@N takes/],
    ['nf_hook@2', 4, /: argument 2 \(p2\) is neither a packet nor a socket$/, /\(p1, p2\)/],
    ['icmp_rcv@4', 4, /: it has 1 argument$/, /\(p1\)/],
    ['icmp_rcv@0', 1, /: arguments are counted from 1$/, /icmp_rcv@1/],
    ['on_the_stack', 4, /: its packet is on the stack$/, /tracepoint/],
    ['fentry:twice', 4, /: fentry: there are several functions of that name$/, /leave the backend/],
    [
      'kprobe:icmp_rcv',
      4,
      /: kprobe: this kernel has no kprobes$/,
      /leave/,
      { without: ['kprobe'] },
    ],
    [
      'icmp_rcv',
      4,
      /: this kernel has neither fentry programs nor kprobes$/,
      /drop, consume, rx, tx and tracepoint/,
      { without: ['fentry', 'kprobe', 'kprobe-multi'] },
    ],
    [
      'ip_forward',
      4,
      /: the compiler made ip_forward\.isra\.0 of it/,
      /kprobe:ip_forward\.isra\.0@N/,
      { symbols: ['ip_forward.isra.0', 'ip_forward.cold'] },
    ],
    [
      'bridge_xmit',
      1,
      /: no such hook$/,
      /module bridge is not loaded: modprobe bridge/,
      {
        files: {
          '/proc/sys/kernel/osrelease': '6.0\n',
          '/lib/modules/6.0/modules.dep':
            'kernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz\n',
        },
      },
    ],
  ])('%s exits with %i', (name, status, message, hint, kernel = {}) => {
    const error = refusal([name], kernel);
    expect(error.message).toMatch(/^choosing hooks: /);
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
    expect(error.exitCode).toBe(status);
  });

  it('is left out with --partial, and told', () => {
    const told: string[] = [];
    const skip = ({ message }: XcapError): void => void told.push(message);
    const hooks = resolve(['icmp_rcv', 'inlined', 'drop_it'], {}, { skip });
    expect(hooks.map(({ id }) => id)).toEqual(['icmp_rcv']);
    expect(told).toHaveLength(2);
    expect(() => resolve(['inlined'], {}, { skip })).toThrow('none of them can be hooked');
  });
});

describe('a pattern', () => {
  const ids = (...args: Parameters<typeof resolve>): readonly string[] =>
    resolve(...args).map(({ id }) => id);

  it('stands for the functions with a packet that can be hooked', () => {
    expect(ids(['all'])).toEqual([
      ...['icmp_rcv', 'ip_rcv_finish', 'tcp_filter', 'do_xdp_generic', 'behind_struct'],
      ...['printk_skb', 'twice', 'veth_xmit'],
    ]);
    expect(ids(['*_rcv*'])).toEqual(['icmp_rcv', 'ip_rcv_finish']);
    expect(ids(['tcp_filte?'])).toEqual(['tcp_filter']);
  });

  it('says what it was, and takes one link for all where it can', () => {
    const hooks = resolve(['all']);
    expect(new Set(hooks.map(({ pattern }) => pattern))).toEqual(new Set(['all']));
    expect(new Set(hooks.map(({ backend }) => backend))).toEqual(new Set(['kprobe-multi']));
  });

  it('leaves out what --exclude names, and what is named itself', () => {
    expect(ids(['*_rcv*'], {}, { exclude: ['icmp_*'] })).toEqual(['ip_rcv_finish']);
    const hooks = resolve(['*_rcv*', 'fentry:icmp_rcv']);
    expect(hooks.map(({ id, backend }) => [id, backend])).toEqual([
      ['ip_rcv_finish', 'kprobe-multi'],
      ['fentry:icmp_rcv', 'fentry'],
    ]);
  });

  it('takes the argument of @N', () => {
    expect(ids(['nf_*@1'])).toEqual(['nf_hook']);
  });

  const many = Array.from({ length: 201 }, (_, i) => ({ name: `f${i}`, params: ['skb'] as const }));

  it('stands for at most 200 where they are attached one by one', () => {
    const kernel = { functions: many, without: ['kprobe-multi'] } as const;
    expect(refusal(['all'], kernel)).toMatchObject({
      message:
        'choosing hooks: 201 functions, and this kernel attaches them one by one: at most 200',
      hint: expect.stringContaining('--max-hooks 201') as string,
      exitCode: 1,
    });
    expect(ids(['all'], kernel, { maxHooks: 201 })).toHaveLength(201);
    expect(ids(['all'], kernel, { exclude: ['f0'] })).toHaveLength(200);
    expect(ids(['all'], { functions: many })).toHaveLength(201);
  });

  it('is held to --max-hooks', () => {
    expect(refusal(['all'], {}, { maxHooks: 3 }).message).toBe(
      'choosing hooks: 8 hooks are more than --max-hooks 3',
    );
  });

  it.each<[string, RegExp, Partial<MadeKernel>?]>([
    ['zz_*', /: zz_\*: no function with a packet has such a name$/],
    ['tcp_conn*', /: no function with a packet has such a name$/],
    [
      'all',
      /: this kernel has neither fentry programs nor kprobes$/,
      { without: ['fentry', 'kprobe', 'kprobe-multi'] },
    ],
    ['on_the*', /: no function of such a name can be hooked$/],
  ])('%s can stand for none', (pattern, message, kernel = {}) => {
    expect(refusal([pattern], kernel).message).toMatch(message);
  });
});

describe('a profile', () => {
  it('is the hooks of it that the kernel has, and explains itself', () => {
    const lines: string[] = [];
    const explain = (line: string): void => void lines.push(line);
    const hooks = resolve(['profile:netfilter', 'profile:receive'], {}, { explain });
    expect(hooks.map(({ id, pattern }) => [id, pattern])).toEqual([
      ['nft_do_chain', 'profile:netfilter'],
      ['icmp_rcv', 'profile:receive'],
    ]);
    expect(lines).toContain('profile:receive: icmp_rcv (icmp_rcv, fentry)');
    expect(lines).toContain('profile:receive: choosing hooks: arp_rcv: no such hook: left out');
  });

  it('leaves out what is named itself, and what --exclude names', () => {
    const names = (...args: Parameters<typeof resolve>): unknown[] =>
      resolve(...args).map(({ id, pattern }) => [id, pattern]);
    const ids = ['profile:receive', 'icmp_rcv', 'profile:netfilter'];
    expect(names(ids)).toEqual([
      ['icmp_rcv', undefined],
      ['nft_do_chain', 'profile:netfilter'],
    ]);
    expect(() => names(ids, {}, { exclude: ['nft*'] })).toThrow(/nf_hook_slow: no such hook/);
  });
});
