import { describe, expect, it } from 'vitest';
import { callNumber, ruleCall } from '../../../src/hooks/rule-calls.ts';
import { findWatchers, type RuleWatchers } from '../../../src/hooks/rule-watchers.ts';
import { makeKernel, type MadeFunction, type MadeKernel } from '../../support/function-kernel.ts';

const inModule = (module: string, ...names: readonly string[]): readonly MadeFunction[] =>
  names.map((name) => ({ name, module, params: [], typed: false }));

/** As 5.10: modules have no types. */
const KERNEL: MadeKernel = {
  functions: [
    { name: 'tcf_classify', params: ['skb', 'void*', 'void*', 'u32'] },
    { name: 'tcf_classify_ingress', params: ['skb', 'void*', 'void*', 'void*', 'u32'] },
    { name: 'netif_receive_generic_xdp', params: ['skb', 'xdp', 'void*'] },
    { name: 'sk_filter_trim_cap', params: ['sock', 'skb', 'u32'] },
    { name: 'mall_classify', params: ['skb', 'void*', 'void*'] },
    ...inModule('iptable_filter', 'iptable_filter_hook', 'iptable_filter_net_exit'),
    ...inModule('nf_tables', 'nft_do_chain', 'nft_do_chain_inet'),
    ...inModule('cls_u32', 'u32_classify', 'u32_destroy'),
  ],
  without: ['get-func-arg'],
};

const find = (kernel: Partial<MadeKernel> = {}): RuleWatchers =>
  findWatchers(makeKernel({ ...KERNEL, ...kernel }).view, 2);

/** `entry xcap_call_hook nft_do_chain_inet [nf_tables]`, and its number where it has one. */
const places = ({ units }: RuleWatchers): readonly string[] =>
  units.flatMap(({ watchers }) =>
    watchers.map(({ at, program, target, module, probe }) =>
      [at, program, target, module && `[${module}]`, probe && `0x${probe.number.toString(16)}`]
        .filter((word) => word !== undefined)
        .join(' '),
    ),
  );

const FATES = [
  'return xcap_fate_shot tcf_classify',
  'return xcap_fate_shot_ingress tcf_classify_ingress',
  'return xcap_fate_classified mall_classify',
  'return xcap_fate_generic_xdp_leaves netif_receive_generic_xdp',
  'entry xcap_fate_generic_xdp_enters netif_receive_generic_xdp',
  'return xcap_fate_filtered sk_filter_trim_cap',
];
const NETFILTER = [
  'return xcap_call_hook_done iptable_filter_hook [iptable_filter] 0x2',
  'entry xcap_call_hook iptable_filter_hook [iptable_filter] 0x2',
  'return xcap_call_hook_done nft_do_chain_inet [nf_tables] 0x101',
  'entry xcap_call_hook nft_do_chain_inet [nf_tables] 0x101',
];
const CLASSIFIER = [
  'return xcap_call_classify_done u32_classify [cls_u32] 0x3',
  'entry xcap_call_classify u32_classify [cls_u32] 0x3',
];

describe('ruleCall()', () => {
  it('knows the hooks of the tables of iptables-legacy, each by its name', () => {
    expect(ruleCall('iptable_mangle_hook')).toEqual({ kind: 'xt', family: 0, table: 'mangle' });
    expect(ruleCall('ip6table_security_hook')).toMatchObject({ table: 'security' });
    expect(ruleCall('ip6table_nat_do_chain')).toMatchObject({ kind: 'xt', table: 'nat' });
    for (const other of ['iptable_filter_hook.cold', 'arptable_filter_hook', 'ipt_do_table']) {
      expect(ruleCall(other), other).toBeUndefined();
    }
  });

  it('knows the family of a chain of nf_tables only where the function is for one', () => {
    expect(ruleCall('nft_do_chain_bridge')).toEqual({ kind: 'nft', family: 7 });
    expect(ruleCall('nft_do_chain_ipv6')).toMatchObject({ family: 10 });
    expect(ruleCall('nft_nat_do_chain')).toEqual({ kind: 'nft', family: 0 });
    expect(ruleCall('nft_do_chain')).toBeUndefined();
    expect(ruleCall('constructor')).toBeUndefined();
  });

  it('has its number for the program', () => {
    const number = (name: string): number => callNumber(ruleCall(name) ?? expect.fail(name));
    expect(number('iptable_filter_hook')).toBe(0x2);
    expect(number('iptable_security_hook')).toBe(0x4_0002);
    expect(number('nft_do_chain_ipv6')).toBe(0xa01);
  });
});

describe('findWatchers() where modules have no types', () => {
  it('watches by kprobes what is called in modules, by fexit what is in the kernel', () => {
    const found = find();
    expect(places(found)).toEqual([...FATES, ...NETFILTER, ...CLASSIFIER]);
    expect(found.nft).toBeUndefined();
    expect(found.notes).toHaveLength(1);
    expect(found.notes[0]).toMatch(
      /table and chain of iptables-legacy, family and hook of nftables/,
    );
  });

  it('finds what was returned behind the arguments', () => {
    expect(Object.fromEntries(find().units[0]?.defines ?? [])).toMatchObject({
      ...{ XCAP_BY_HELPER: '0', XCAP_SHOT_BEHIND: '4', XCAP_SHOT_INGRESS_BEHIND: '5' },
      XCAP_FILTERED_BEHIND: '3',
    });
  });

  it('counts changes of nf_tables where they come by, unless some do not', () => {
    const functions = [...KERNEL.functions, ...inModule('nfnetlink', 'nfnetlink_rcv_batch')];
    const [, calls] = find({ functions }).units;
    expect(calls?.watchers.slice(0, 2)).toMatchObject([
      { at: 'return', program: 'xcap_call_changes_done', target: 'nfnetlink_rcv_batch' },
      { at: 'entry', program: 'xcap_call_changes', target: 'nfnetlink_rcv_batch' },
    ]);
    const counts = (found: RuleWatchers): string | undefined =>
      Object.fromEntries(found.units[1]?.defines ?? [])['XCAP_COUNTS_CHANGES'];
    expect(counts(find({ functions }))).toBe('1');
    const owners = [...functions, ...inModule('nf_tables', 'nft_rcv_nl_event')];
    expect(counts(find({ functions: owners }))).toBe('0');
    expect(counts(find())).toBe('0');
  });

  it('probes by name where addresses are hidden', () => {
    const [, calls] = find({ hidden: true }).units;
    expect(calls?.watchers.map(({ probe }) => probe?.addresses)).toEqual(
      new Array(NETFILTER.length + CLASSIFIER.length).fill([]),
    );
  });

  it('says what is left out without kprobes, without fentry, and without both', () => {
    const noKprobe = find({ without: ['get-func-arg', 'kprobe'] });
    expect(places(noKprobe)).toEqual(FATES);
    expect(noKprobe.notes).toEqual([
      'netfilter and classifiers of tc are not watched: modules have no types, and there are no kprobes',
    ]);
    const noFentry = find({ without: ['get-func-arg', 'fentry'] });
    expect(places(noFentry)).toEqual([
      'return xcap_call_classify_done mall_classify 0x3',
      'entry xcap_call_classify mall_classify 0x3',
      ...NETFILTER,
      ...CLASSIFIER,
    ]);
    expect(noFentry.notes).toContain(
      'XDP programs and filters of sockets are not watched: this kernel has no fentry',
    );
    const neither = find({ without: ['get-func-arg', 'fentry', 'kprobe'] });
    expect(neither).toMatchObject({ units: [], notes: [expect.stringContaining('neither')] });
  });

  it('says that nf_tables is not loaded', () => {
    const functions = KERNEL.functions.filter(({ module }) => module !== 'nf_tables');
    expect(find({ functions }).notes).toContain(
      'rules of nf_tables are not watched: it is not loaded',
    );
  });
});

describe('findWatchers() on a kernel whose programs can be at functions of modules', () => {
  it('takes kprobes for the modules that have no types all the same', () => {
    const found = find({
      without: [],
      files: { '/proc/modules': 'nf_tables 1 0 - Live 0x0\nveth 1 0 - Live 0x0\n' },
    });
    expect(places(found)).toEqual([...FATES, ...NETFILTER.slice(2)]);
    expect(Object.fromEntries(found.units[0]?.defines ?? [])).toMatchObject({
      XCAP_BY_HELPER: '1',
    });
  });
});
