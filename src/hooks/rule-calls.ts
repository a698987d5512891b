import { NFT_CHANGE, RULE_KINDS, type RuleKind } from '../abi/rules.ts';
import type { FunctionSymbol } from '../kernel/find-functions.ts';
import type { PtRegs } from '../kernel/pt-regs.ts';
import type { KernelView } from '../kernel/view.ts';
import type { RuleWatcher, WatcherUnit } from './rule-watcher.ts';

/** What calling a function of that name means. */
export interface RuleCall {
  readonly kind: Extract<RuleKind, 'nft' | 'xt' | 'tc'>;
  /** NFPROTO_* of the chains that it is for; 0 where it is for several, or the packet tells. */
  readonly family: number;
  /** Of iptables-legacy. */
  readonly table?: (typeof TABLES)[number];
}

/** In the order of xcap_xt_table_name(). */
const TABLES = ['filter', 'nat', 'mangle', 'raw', 'security'] as const;

const CLASSIFIERS = ['cls_bpf', 'u32', 'fl', 'mall', 'basic', 'fw', 'route4', 'flow', 'cls_cgroup'];

/** NFPROTO_*, include/uapi/linux/netfilter.h. */
const NFT: readonly (readonly [string, number])[] = [
  ['nft_do_chain_inet', 1],
  ['nft_do_chain_inet_ingress', 1],
  ['nft_do_chain_ipv4', 2],
  ['nft_do_chain_arp', 3],
  ['nft_do_chain_netdev', 5],
  ['nft_do_chain_bridge', 7],
  ['nft_do_chain_ipv6', 10],
  ['nft_nat_do_chain', 0],
  ['nf_route_table_hook4', 0],
  ['nf_route_table_hook6', 0],
  ['nf_route_table_inet', 0],
];

const CALLS: ReadonlyMap<string, RuleCall> = new Map<string, RuleCall>([
  ...NFT.map(([name, family]) => [name, { kind: 'nft', family }] as const),
  ...TABLES.flatMap((table) =>
    ['iptable', 'ip6table'].map((of) => {
      const name = table === 'nat' ? `${of}_nat_do_chain` : `${of}_${table}_hook`;
      return [name, { kind: 'xt', family: 0, table }] as const;
    }),
  ),
  ...CLASSIFIERS.map((name) => [`${name}_classify`, { kind: 'tc', family: 0 }] as const),
]);

/**
 * Functions that netfilter and tc call by pointer, all with the arguments of nf_hookfn or of a classifier. Of those of
 * iptables-legacy each is a table's own.
 */
export const ruleCall = (name: string): RuleCall | undefined => CALLS.get(name);

/** A classifier of tc, by the name of its function. */
export const isClassifier = (name: string): boolean => ruleCall(name)?.kind === 'tc';

/** What the program at the return of a function is told: xcap_call_hook_done(). */
export function callNumber({ kind, family, table }: RuleCall): number {
  const tables: readonly (string | undefined)[] = TABLES;
  return RULE_KINDS.indexOf(kind) | (family << 8) | (Math.max(0, tables.indexOf(table)) << 16);
}

/** Ends tables together with the socket of their owner (5.12): a change that NFT_CHANGE is not called for. */
const OWNERS_END = 'nft_rcv_nl_event';
const WATCHED: ReadonlySet<string> = new Set([...CALLS.keys(), NFT_CHANGE, OWNERS_END]);

/** Arguments that the programs look at. */
const ARGUMENTS = 3;

/** Watches such functions by kprobes. @param wanted chooses; a module is undefined for the kernel itself */
export function findCalls(
  kernel: Pick<KernelView, 'btf' | 'symbols' | 'registers'>,
  wanted: (module: string | undefined, call: RuleCall) => boolean,
): WatcherUnit | undefined {
  const { registers } = kernel;
  if (registers === undefined || registers.argumentOffsets.length < ARGUMENTS) return undefined;
  const found = kernel.symbols.find(WATCHED);
  const calls = [...found].flatMap(([target, symbols]) => {
    const call = ruleCall(target);
    if (call === undefined) return [];
    const program = call.kind === 'tc' ? 'xcap_call_classify' : 'xcap_call_hook';
    return symbols
      .filter(({ module }) => wanted(module, call))
      .flatMap((symbol) => watchCall(target, symbol, program, callNumber(call)));
  });
  if (calls.length === 0) return undefined;
  const batches = found.has(OWNERS_END) ? [] : (found.get(NFT_CHANGE) ?? []);
  const watchers = [
    // First: nothing may change unseen once chains are watched.
    ...batches.flatMap((symbol) => watchCall(NFT_CHANGE, symbol, 'xcap_call_changes', 0)),
    ...calls,
  ];
  return {
    template: 'call-rules.bpf.c',
    btf: kernel.btf,
    prefix: 'xcap_call',
    defines: [
      ...registerPlaces(registers),
      ['XCAP_COUNTS_CHANGES', batches.length === 0 ? '0' : '1'],
    ],
    functions: [...new Set(watchers.map(({ program }) => program))],
    watchers,
  };
}

function watchCall(
  target: string,
  { module, address }: FunctionSymbol,
  program: string,
  number: number,
): readonly RuleWatcher[] {
  const probe = { addresses: address === undefined ? [] : [address], number };
  const of = { target, module, attachBtfId: 0, probe };
  return [
    { ...of, at: 'return', program: `${program}_done` },
    { ...of, at: 'entry', program },
  ];
}

/** Words of struct pt_regs. */
function registerPlaces(registers: PtRegs): readonly (readonly [string, string])[] {
  const { argumentOffsets, returnOffset, stackOffset, poppedByReturn } = registers;
  const word = (offset: number): string => String(offset / 8);
  return [
    ...argumentOffsets
      .slice(0, ARGUMENTS)
      .map((offset, i) => [`XCAP_REG_${i}`, word(offset)] as const),
    ['XCAP_REG_RET', word(returnOffset)],
    ['XCAP_REG_SP', word(stackOffset)],
    ['XCAP_POPPED', String(poppedByReturn)],
  ];
}
