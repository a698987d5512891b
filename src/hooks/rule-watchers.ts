import type { RuleKind } from '../abi/rules.ts';
import type { Btf } from '../btf/btf.ts';
import { BtfError } from '../btf/error.ts';
import { findVariable, functionOf } from '../btf/functions.ts';
import { memberPath } from '../btf/members.ts';
import type { KernelView } from '../kernel/view.ts';
import { nftHeadDefines, VERDICT_EXPRESSIONS } from './nft-expressions.ts';
import { findCalls, isClassifier, ruleCall } from './rule-calls.ts';
import type { RuleWatcher, WatcherUnit } from './rule-watcher.ts';

export interface RuleWatchers {
  readonly units: readonly WatcherUnit[];
  /** The types of nf_tables, where its chains are watched. */
  readonly nft: Btf | undefined;
  /** What is not watched, and why. */
  readonly notes: readonly string[];
}

type RuleKernel = Pick<
  KernelView,
  'btf' | 'modules' | 'features' | 'symbols' | 'registers' | 'loadedModules'
>;

/** What there is to watch on this kernel, as its modules are loaded now. */
export function findWatchers(kernel: RuleKernel, possibleCpus: number): RuleWatchers {
  const { features } = kernel;
  if (!features.has('fentry') || !features.has('get-func-arg')) return findWithoutTypes(kernel);
  const nft = findNft(kernel);
  const legacy = findLegacy(kernel, possibleCpus);
  const calls = findUntyped(kernel);
  return {
    units: [nft.unit, ...legacy.units, findFates(kernel), calls].filter(isUnit),
    nft: nft.unit?.btf,
    notes: [
      ...(calls !== undefined && watches(calls, 'nft') ? [PLACES_ONLY] : nft.notes),
      ...legacy.notes,
    ],
  };
}

const isUnit = (unit: WatcherUnit | undefined): unit is WatcherUnit => unit !== undefined;

const PLACES_ONLY =
  'the rule itself is not known where modules have no types: at most table and chain of iptables-legacy, family and hook of nftables, table and chain where it has only one there';
const NFT_NOT_LOADED = 'rules of nf_tables are not watched: it is not loaded';

/** On kernels whose programs cannot be at functions of modules as at the kernel's own (before 5.17). */
function findWithoutTypes(kernel: RuleKernel): RuleWatchers {
  const { features } = kernel;
  const [fentry, kprobe] = [features.has('fentry'), features.has('kprobe')];
  if (!fentry && !kprobe) {
    const why = 'this kernel does not let rules be watched: it has neither fentry nor kprobes';
    return { units: [], nft: undefined, notes: [why] };
  }
  const fates = fentry ? findFates(kernel) : undefined;
  const calls = kprobe
    ? // Classifiers of the kernel itself are among the fates.
      findCalls(kernel, (module, { kind }) => kind !== 'tc' || module !== undefined || !fentry)
    : undefined;
  const places = (['nft', 'xt'] as const).some((kind) => calls && watches(calls, kind));
  return {
    units: [fates, calls].filter(isUnit),
    nft: undefined,
    notes: [
      ...(places ? [PLACES_ONLY] : []),
      ...(calls === undefined || watches(calls, 'nft') ? [] : [NFT_NOT_LOADED]),
      ...(kprobe
        ? []
        : [
            'netfilter and classifiers of tc are not watched: modules have no types, and there are no kprobes',
          ]),
      ...(fentry
        ? []
        : ['XDP programs and filters of sockets are not watched: this kernel has no fentry']),
    ],
  };
}

/** Modules whose functions ruleCall() knows. */
const CALLED = /^(?:nf_tables|nft_|ip6?table_|cls_)/;

/** Functions of modules that came without types to a kernel that has some for others. */
function findUntyped(kernel: RuleKernel): WatcherUnit | undefined {
  const untyped = new Set(
    kernel
      .loadedModules()
      .filter((name) => CALLED.test(name) && moduleBtf(kernel, name) === undefined),
  );
  if (untyped.size === 0 || !kernel.features.has('kprobe')) return undefined;
  return findCalls(kernel, (module) => module !== undefined && untyped.has(module));
}

const watches = ({ watchers }: WatcherUnit, kind: RuleKind): boolean =>
  watchers.some(({ target }) => ruleCall(target)?.kind === kind);

/** Where a function of netfilter is: in its module, or in the kernel itself. */
interface Home {
  readonly btf: Btf;
  readonly module: string | undefined;
  readonly id: number;
}

function findHome(kernel: RuleKernel, module: string, name: string): Home | undefined {
  const split = moduleBtf(kernel, module);
  const id = split && functionId(split, name);
  if (split !== undefined && id !== undefined) return { btf: split, module, id };
  const own = functionId(kernel.btf, name);
  return own === undefined ? undefined : { btf: kernel.btf, module: undefined, id: own };
}

function moduleBtf(kernel: RuleKernel, module: string): Btf | undefined {
  try {
    return kernel.modules.get(module);
  } catch (error) {
    if (error instanceof BtfError) return undefined;
    throw error;
  }
}

/** Ids of functions of a module itself, not of what its BTF continues. */
function functionId(btf: Btf, name: string): number | undefined {
  for (const id of btf.findTypes('func', name)) if (id >= btf.firstId) return id;
  return undefined;
}

function findNft(kernel: RuleKernel): {
  readonly unit?: WatcherUnit;
  readonly notes: readonly string[];
} {
  const home = findHome(kernel, 'nf_tables', 'nft_do_chain');
  if (home === undefined) {
    return { notes: [NFT_NOT_LOADED] };
  }
  const { btf, module: homeModule, id } = home;
  const defines = nftHeadDefines(btf);
  if (defines === undefined) {
    return { notes: ['rules of nf_tables are not watched: its rules are not known'] };
  }
  const of = { target: 'nft_do_chain', module: homeModule, attachBtfId: id } as const;
  const watchers: RuleWatcher[] = [
    { ...of, at: 'return', program: 'xcap_nft_leave' },
    { ...of, at: 'entry', program: 'xcap_nft_enter' },
  ];
  const names = kernel.modules.names().filter((module) => module.startsWith('nf'));
  for (const module of homeModule === undefined ? [undefined, ...names] : names) {
    const of = module === undefined ? kernel.btf : moduleBtf(kernel, module);
    if (of === undefined) continue;
    const found = [...ownFunctions(of)].filter(([name]) => VERDICT_EXPRESSIONS.test(name));
    for (const [target, attachBtfId] of found) {
      const watcher = { target, module, attachBtfId, program: 'xcap_nft_verdict' };
      // Twice: see the program.
      watchers.push({ ...watcher, at: 'return' }, { ...watcher, at: 'return' });
    }
  }
  return {
    unit: {
      template: 'nft-rules.bpf.c',
      btf,
      prefix: 'xcap_nft',
      defines,
      functions: [
        'xcap_nft_verdict',
        // Else the program does without: the kernel takes no function that nothing calls.
        ...(memberPath(btf, 'nft_rule_dp_last', 'chain') === undefined
          ? []
          : ['xcap_nft_verdict_each']),
        ...['xcap_nft_enter', 'xcap_nft_leave', 'xcap_nft_leave_each'],
      ],
      watchers,
    },
    notes: [],
  };
}

function* ownFunctions(btf: Btf): Generator<readonly [name: string, id: number]> {
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) === 'func') yield [btf.name(id), id];
  }
}

const LEGACY = [
  { module: 'ip_tables', target: 'ipt_do_table', entry: 'ipt_entry', prefix: 'xcap_ipt' },
  { module: 'ip6_tables', target: 'ip6t_do_table', entry: 'ip6t_entry', prefix: 'xcap_ip6t' },
] as const;

/** Verdicts outside of netfilter. */
function findFates(kernel: RuleKernel): WatcherUnit {
  const watchers: RuleWatcher[] = [];
  const watch = (target: string, program: string, at: 'entry' | 'return' = 'return'): boolean => {
    const id = functionId(kernel.btf, target);
    if (id === undefined) return false;
    watchers.push({ target, module: undefined, attachBtfId: id, at, program });
    return true;
  };
  watch('tcf_classify', 'xcap_fate_shot');
  watch('tcf_classify_ingress', 'xcap_fate_shot_ingress');
  const byHelper = kernel.features.has('get-func-arg');
  const modules = byHelper ? kernel.modules.names().filter((name) => name.startsWith('cls_')) : [];
  for (const module of [undefined, ...modules]) {
    const btf = module === undefined ? kernel.btf : moduleBtf(kernel, module);
    if (btf === undefined) continue;
    for (const [target, attachBtfId] of ownFunctions(btf)) {
      if (!isClassifier(target)) continue;
      watchers.push({ target, module, attachBtfId, at: 'return', program: 'xcap_fate_classified' });
    }
  }
  if (!watch('bpf_prog_run_generic_xdp', 'xcap_fate_generic_xdp')) {
    const runs = 'netif_receive_generic_xdp';
    watch(runs, 'xcap_fate_generic_xdp_leaves');
    watch(runs, 'xcap_fate_generic_xdp_enters', 'entry');
  }
  watch('sk_filter_trim_cap', 'xcap_fate_filtered');
  return {
    template: 'fate-rules.bpf.c',
    btf: kernel.btf,
    prefix: 'xcap_fate',
    defines: [
      ...classifierPlaces(kernel),
      ['XCAP_BY_HELPER', byHelper ? '1' : '0'],
      ['XCAP_SHOT_BEHIND', returnSlot(kernel.btf, 'tcf_classify')],
      ['XCAP_SHOT_INGRESS_BEHIND', returnSlot(kernel.btf, 'tcf_classify_ingress')],
      ['XCAP_FILTERED_BEHIND', returnSlot(kernel.btf, 'sk_filter_trim_cap')],
    ],
    functions: [...new Set(watchers.map(({ program }) => program))],
    watchers,
  };
}

/** What a function returned lies behind its arguments. */
function returnSlot(btf: Btf, target: string): string {
  const id = functionId(btf, target);
  return String(id === undefined ? 0 : functionOf(btf, id).params.length);
}

/** Where a BPF classifier has its programs. */
function classifierPlaces(kernel: RuleKernel): readonly (readonly [string, string])[] {
  const btf = findHome(kernel, 'cls_bpf', 'cls_bpf_classify')?.btf;
  const at = (struct: string, member: string): number | undefined =>
    btf && memberPath(btf, struct, member)?.offsetBytes;
  const list = at('cls_bpf_head', 'plist');
  const link = at('cls_bpf_prog', 'link');
  const filter = at('cls_bpf_prog', 'filter');
  if (list === undefined || link === undefined || filter === undefined) {
    return [['XCAP_CLS_BPF', '0']];
  }
  return [
    ['XCAP_CLS_BPF', '1'],
    ['XCAP_CLS_BPF_LIST_AT', String(list)],
    ['XCAP_CLS_BPF_LINK_AT', String(link)],
    ['XCAP_CLS_BPF_FILTER_AT', String(filter)],
  ];
}

function entryPlaces(btf: Btf, entry: string): readonly (readonly [string, string])[] | undefined {
  const [target, next, counters] = ['target_offset', 'next_offset', 'counters'].map(
    (name) => memberPath(btf, entry, name)?.offsetBytes,
  );
  if (target === undefined || next === undefined || counters === undefined) return undefined;
  const end = counters - ((counters - Math.min(target, next) + 7) & ~7);
  return [
    ['XCAP_XT_TARGET_AT', String(target)],
    ['XCAP_XT_NEXT_AT', String(next)],
    ['XCAP_XT_COUNTERS_AT', String(counters)],
    ['XCAP_XT_END_AT', String(end)],
  ];
}

function findLegacy(
  kernel: RuleKernel,
  possibleCpus: number,
): { units: readonly WatcherUnit[]; notes: readonly string[] } {
  const replace = findHome(kernel, 'x_tables', 'xt_replace_table');
  if (replace === undefined) return { units: [], notes: [] };
  const cpuOffset = findVariable(kernel.btf, 'this_cpu_off');
  const perCpu = possibleCpus > 1;
  if (perCpu && (cpuOffset === undefined || !kernel.features.has('percpu-ksym'))) {
    return {
      units: [],
      notes: [
        'rules of iptables-legacy are not watched: this kernel does not show the memory of its CPUs',
      ],
    };
  }
  const units = LEGACY.flatMap(({ module, target, entry, prefix }): readonly WatcherUnit[] => {
    const home = findHome(kernel, module, target);
    if (home === undefined) return [];
    const { btf, id } = home;
    const struct = btf.struct(entry);
    const places = entryPlaces(btf, entry);
    if (struct === undefined || places === undefined) return [];
    const of = { target, module: home.module, attachBtfId: id } as const;
    return [
      {
        template: 'xt-rules.bpf.c',
        btf,
        prefix,
        defines: [
          ...places,
          ['XCAP_XT_ENTRY_BYTES', String(struct.sizeBytes)],
          ['XCAP_XT_PER_CPU', perCpu ? '1' : '0'],
          ['XCAP_THIS_CPU_OFF_ID', String(cpuOffset?.id ?? 0)],
        ],
        functions: ['enter', 'enter_each', 'leave', 'leave_each'].map(
          (each) => `${prefix}_${each}`,
        ),
        watchers: [
          { ...of, at: 'return', program: `${prefix}_leave` },
          { ...of, at: 'entry', program: `${prefix}_enter` },
        ],
      },
    ];
  });
  if (units.length === 0) return { units, notes: [] };
  const of = {
    target: 'xt_replace_table',
    module: replace.module,
    attachBtfId: replace.id,
  } as const;
  return {
    // First: no table may change unseen once one is watched.
    units: [
      {
        template: 'xt-changes.bpf.c',
        btf: replace.btf,
        prefix: 'xcap_xt',
        defines: [],
        functions: ['xcap_xt_changes', 'xcap_xt_changed_now'],
        watchers: [
          { ...of, at: 'return', program: 'xcap_xt_changed_now' },
          { ...of, at: 'entry', program: 'xcap_xt_changes' },
        ],
      },
      ...units,
    ],
    notes: [],
  };
}
