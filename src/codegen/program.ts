import { emitEventHeader } from '../abi/emit-c.ts';
import { emitTopHeader } from '../abi/emit-top.ts';
import {
  CALLBACK_PLACEHOLDER,
  CLAIMED_SLOTS,
  GATHER_STEP,
  HOOK_PLACEHOLDER,
  KFUNC_PLACEHOLDER,
  MAP_NAMES,
  MAP_PLACEHOLDER,
  NESTING_LEVELS,
  RETURN_PLACEHOLDER,
  pendingMax,
  slotsPerCpu,
  VALUE_PLACEHOLDER,
  SCRATCH_BYTES,
} from '../abi/maps.ts';
import type { TopDimension } from '../abi/top.ts';
import type { Btf } from '../btf/btf.ts';
import type { FilterPair } from '../filter/compile-expression.ts';
import type { InnerFilter } from '../filter/compile-inner.ts';
import type { CompiledFilter } from '../filter/compiler.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';
import type { ContextSource } from '../kernel/context-source.ts';
import type { PagedSource } from '../kernel/paged-source.ts';
import type { PreemptFunctions } from '../kernel/preempt-functions.ts';
import type { PtRegs } from '../kernel/pt-regs.ts';
import type { RedirectSource } from '../kernel/redirect-source.ts';
import { UNIT_NAMES } from '../user-c/source.ts';
import type { UserC } from '../user-c/user-c.ts';
import type { WhereProgram } from '../where/compile-where.ts';
import { compose } from './compose.ts';
import {
  countsAlone,
  emitHookFunctions,
  hasStackHelper,
  hasTaskHelpers,
  isTyped,
  seesBare,
  startsInOwnFrame,
  unitKind,
  type UnitKind,
} from './hooks.ts';
import { emitMetadataHeader, type MetadataMatches } from './metadata.ts';
import { emitStructs } from './structs.ts';
import {
  KERNEL_STRUCTS,
  SYNTH_STRUCTS,
  TRACK_STRUCTS,
  XDP_RUN_STRUCTS,
  XSK_STRUCTS,
} from './kernel-structs.ts';
import { mergeWants } from './merge-wants.ts';
import { hasWho, watchersOf, whoDefines, WHO_STRUCTS, type Watcher, type WhoWants } from './who.ts';
import { ruleDefines, ruleHeaders, ruleUnits, type RuleInput } from './rules.ts';
import { RunValues, type ValueOf } from './run-values.ts';

/** The programs are loaded as this: GPL-compatible, as the tracing helpers demand. */
export const PROGRAM_LICENSE = 'Dual MIT/GPL';

export interface ProgramInput {
  readonly btf: Btf;
  readonly hooks: readonly ResolvedHook[];
  readonly filter: FilterPair | undefined;
  /** What the packet inside a tunnel packet has to match; undefined: nobody asks for one. */
  readonly inner: InnerFilter | undefined;
  readonly userC: UserC;
  readonly metadata: MetadataMatches;
  readonly where: WhereProgram;
  readonly who: WhoWants;
  /** Functions of the kernel can be hooked by BTF-typed programs. */
  readonly fentry: boolean;
  readonly context: ContextSource;
  /** Most bytes captured of one packet. */
  readonly captureMax: number;
  /** Bytes for a packet in a slot: slotDataBytes(). */
  readonly slotData: number;
  /** The verifier accepts stack reads at variable offsets (5.12). */
  readonly varStackRead: boolean;
  /** What programs of a kind may do on this kernel. */
  readonly abilities: (kind: UnitKind) => UnitAbilities;
  readonly regs: PtRegs | undefined;
  /** Of MapSizes. */
  readonly claims: boolean;
  readonly redirect: RedirectSource;
  /** Packets are followed, by the hooks among `hooks` that are trackers; undefined: they are not. */
  readonly track?: { readonly byHead: boolean; readonly cpus: number } | undefined;
  /** Events have their kernel stack. */
  readonly stacks: boolean;
  /** --sample 1/N: one in N of what matches; undefined: all. */
  readonly sample: number | undefined;
  /** What is looked at can be thinned out while the programs run. */
  readonly skips: boolean;
  /** --rule; undefined: nobody asks. */
  readonly rules?: RuleInput | undefined;
  /** Events are counted by these; undefined: they are sent. */
  readonly top?: readonly TopDimension[] | undefined;
  readonly readTemplate: (path: string) => string;
}

/** What the programs of one text may do, and what they have to see to by themselves. */
export interface UnitAbilities {
  /** How they keep their CPU; undefined where preemption is off while they run, or cannot be. */
  readonly preempt: PreemptFunctions | undefined;
  /** A task can be put aside inside them: see templates/include/slots.h. */
  readonly claims: boolean;
  readonly paged: PagedSource;
  /** BTF id of bpf_rdonly_cast(), where they may call it: loads from any address cost no call then. */
  readonly cast: number | undefined;
}

/** One C text: programs that get at the kernel's memory in the same way. */
export interface ProgramUnit {
  readonly text: string;
  readonly functions: readonly string[];
}

export interface ProgramSource {
  readonly units: readonly ProgramUnit[];
  /** By hook, the function that it is loaded from: a name is in one unit only. */
  readonly functionOf: readonly string[];
  /** What is attached beside the hooks. */
  readonly watchers: readonly Watcher[];
  /** What XCAP_VALUE(i) stands for in this run. */
  readonly values: readonly bigint[];
}

const flag = (on: boolean): number => (on ? 1 : 0);

function configHeader(
  input: ProgramInput,
  kind: UnitKind,
  hooks: readonly ResolvedHook[],
  valueOf: ValueOf,
): string {
  const { context } = input;
  const { preempt, claims, paged, cast } = input.abilities(kind);
  const defines: [string, number | string][] = [
    ['XCAP_TYPED', flag(isTyped(kind))],
    ['XCAP_CASTS', flag(cast !== undefined)],
    ...(cast === undefined
      ? []
      : [['XCAP_RDONLY_CAST', KFUNC_PLACEHOLDER + cast] as [string, number]]),
    ['XCAP_MAP_PLACEHOLDER', MAP_PLACEHOLDER],
    ['XCAP_TASK_BY_PROBE', flag(!hasTaskHelpers(kind))],
    ['XCAP_HOOK_PLACEHOLDER', HOOK_PLACEHOLDER],
    ['XCAP_VALUE_PLACEHOLDER', VALUE_PLACEHOLDER],
    ['XCAP_RETURN_PLACEHOLDER', RETURN_PLACEHOLDER],
    ['XCAP_CALLBACK_PLACEHOLDER', CALLBACK_PLACEHOLDER],
    ...MAP_NAMES.map((name, i): [string, number] => [`XCAP_MAP_${name.toUpperCase()}`, i]),
    ['XCAP_LEVELS', NESTING_LEVELS],
    ['XCAP_CLAIMED_SLOTS', CLAIMED_SLOTS],
    ['XCAP_CLAIMS_SLOTS', flag(claims)],
    ['XCAP_COUNTS_ALONE', flag(countsAlone(input.hooks, kind, cast !== undefined))],
    ['XCAP_SLOTS', slotsPerCpu(input)],
    ['XCAP_CAPTURE_MAX', input.captureMax],
    ['XCAP_RETURNS', flag(input.hooks.some(({ part }) => part !== undefined))],
    ['XCAP_PENDING_MAX', pendingMax(input.captureMax)],
    ['XCAP_STACK', flag(input.stacks && hasStackHelper(kind))],
    ['XCAP_TRACK', flag(input.track !== undefined)],
    ['XCAP_TRACK_BY_HEAD', flag(input.track?.byHead === true)],
    // Elsewhere memory is known for the sake of what an XDP program has seen before there is an skb.
    ['XCAP_TRACK_HEADS', flag(input.track?.byHead === true || input.hooks.some(hasBuffer))],
    ['XCAP_TRACK_CPUS', input.track === undefined ? 1 : valueOf(input.track.cpus, 'cpus')],
    ['XCAP_STACK_OWN_FRAME', flag(startsInOwnFrame(kind))],
    ['XCAP_VAR_STACK', flag(input.varStackRead)],
    ['XCAP_PREEMPT_COUNT_ID', context.kind === 'preempt-count' ? context.btfId : 0],
    ['XCAP_PREEMPT_COUNT_OFFSET', context.kind === 'preempt-count' ? context.offset : 0],
    ['XCAP_TASK_STACK_OFFSET', context.kind === 'task-stack' ? context.offset : 0],
    ...preemptDefines(preempt),
    ['XCAP_SLOT_DATA', input.slotData],
    ['XCAP_GATHER_STEP', GATHER_STEP],
    ['XCAP_SCRATCH_BYTES', SCRATCH_BYTES],
    ['XCAP_FILTER_GATHERS', filterGathers(input, paged)],
    ['XCAP_FILTER_REACH', `${reachOf(input)}u`],
    ...pagedDefines(paged, valueOf),
    ['XCAP_WHERE', flag(input.where.conditional)],
    ['XCAP_SYNTH', flag(hooks.some(seesBare))],
    ...whoDefines(input.btf, input.who, input.fentry),
    ['XCAP_XSK', flag(hasDescriptors(input.hooks))],
    ['XCAP_XDP_RUNS', flag(input.hooks.some(({ xdp }) => xdp !== undefined))],
    ...redirectDefines(input.redirect, valueOf),
    ...ruleDefines(input.rules),
  ];
  return defines.map(([name, value]) => `#define ${name} ${value}`).join('\n') + '\n';
}

/** Kernel functions that keep a program on its CPU, by BTF id. */
function preemptDefines(preempt: PreemptFunctions | undefined): [string, number][] {
  if (preempt === undefined) return [['XCAP_KEEPS_CPU', 0]];
  return [
    ['XCAP_KEEPS_CPU', 1],
    ['XCAP_PREEMPT_DISABLE', KFUNC_PLACEHOLDER + preempt.disable],
    ['XCAP_PREEMPT_ENABLE', KFUNC_PLACEHOLDER + preempt.enable],
    ['XCAP_IRQ_SAVE', KFUNC_PLACEHOLDER + preempt.irqSave],
    ['XCAP_IRQ_RESTORE', KFUNC_PLACEHOLDER + preempt.irqRestore],
  ];
}

function pagedDefines(paged: PagedSource, valueOf: ValueOf): [string, number | string][] {
  if (paged.kind === 'none') return [];
  if (paged.kind === 'xdp') return [['XCAP_PAGED_XDP', 1]];
  if (paged.kind === 'dynptr') return [['XCAP_PAGED_DYNPTR', KFUNC_PLACEHOLDER + paged.btfId]];
  return [
    ['XCAP_PAGED_PAGES', 1],
    ['XCAP_PAGE_OFFSET_BASE', valueOf(paged.pageOffsetBase, 'page_offset_base')],
    ['XCAP_VMEMMAP_BASE', valueOf(paged.vmemmapBase, 'vmemmap_base')],
    ['XCAP_PAGE_STRUCT_BYTES', paged.pageStructBytes],
  ];
}

function redirectDefines(source: RedirectSource, valueOf: ValueOf): [string, number | string][] {
  switch (source.kind) {
    case 'task':
      return [
        ['XCAP_REDIRECT_BY_TASK', 1],
        ['XCAP_NET_CONTEXT_OFFSET', source.contextOffset],
        ['XCAP_REDIRECT_INFO_OFFSET', source.infoOffset],
      ];
    case 'cpu':
      return [
        ['XCAP_REDIRECT_BY_CPU', 1],
        ['XCAP_REDIRECT_INFO', valueOf(source.info, 'bpf_redirect_info')],
        ['XCAP_PER_CPU_OFFSETS', valueOf(source.perCpuOffsets, '__per_cpu_offset')],
      ];
    case 'none':
      return [];
  }
}

/** All that the filters look at beyond it is lost: one that asks for more says so by its counter. */
const FILTER_GATHERS_LIMIT = 16383;

/** All that look at a packet's bytes. */
type Filters = Pick<ProgramInput, 'filter' | 'inner'> & {
  readonly userC: Pick<UserC, 'filter'>;
};

/** Bytes that the filters may ask for of a packet with paged data. */
export function filterGathers(filters: Filters, paged: PagedSource): number {
  return paged.kind === 'none' ? 0 : filterReach(filters);
}

/** Bytes that the filters may ask for of a packet that has to be put together first. */
export function filterReach(filters: Filters): number {
  return Math.min(FILTER_GATHERS_LIMIT, reachOf(filters));
}

const functionsOf = ({ l2, l2Tagged, l3 }: FilterPair): readonly CompiledFilter[] =>
  [l2, l2Tagged, l3].filter((filter) => filter !== undefined);

/** Nobody knows what they look at. */
const ANYWHERE = 0xffff_ffff;

/** Ethernet, two tags, the longest IPv4 header, UDP, Geneve with all of its options; and some more. */
const TUNNEL_HEADERS = 384;

/** Bytes that any of the functions can look at. */
function reachOf({ filter, inner, userC }: Filters): number {
  if (userC.filter !== undefined) return ANYWHERE;
  const reach = (pair: FilterPair): number =>
    Math.max(...functionsOf(pair).map(({ reachBytes = ANYWHERE }) => reachBytes));
  return Math.max(
    filter === undefined ? 0 : reach(filter),
    inner === undefined ? 0 : TUNNEL_HEADERS,
    inner?.filter === undefined ? 0 : Math.min(ANYWHERE, TUNNEL_HEADERS + reach(inner.filter)),
  );
}

function filterHeader(filter: FilterPair | undefined): string {
  if (filter === undefined) return '#define XCAP_FILTER 0\n';
  const functions = functionsOf(filter);
  return [
    '#define XCAP_FILTER 1',
    `#define XCAP_FILTER_L3 ${flag(filter.l3 !== undefined)}`,
    `#define XCAP_FILTER_L2_TAGGED ${flag(filter.l2Tagged !== undefined)}`,
    `#define XCAP_FILTER_WINDOW ${Math.max(8, ...functions.map((f) => f.windowBytes))}`,
    '',
    ...functions.map((f) => f.text),
  ].join('\n');
}

function innerHeader(inner: InnerFilter | undefined): string {
  if (inner === undefined) return '#define XCAP_INNER 0\n';
  if (inner.filter === undefined) return '#define XCAP_INNER 1\n#define XCAP_INNER_FILTER 0\n';
  const { l2, l3 } = inner.filter;
  const functions = [l2, l3].filter((filter) => filter !== undefined);
  return [
    '#define XCAP_INNER 1',
    '#define XCAP_INNER_FILTER 1',
    `#define XCAP_INNER_L3 ${flag(l3 !== undefined)}`,
    `#define XCAP_INNER_WINDOW ${Math.max(8, ...functions.map((f) => f.windowBytes))}`,
    '',
    ...functions.map((f) => f.text),
  ].join('\n');
}

/** Bytes of an event for the fields of an action: whether there are some, then they. */
export const userBytes = ({ layout }: UserC): number =>
  layout === undefined ? 0 : 8 + 8 * Math.ceil(layout.bytes / 8);

/** The user's text as it is, and asserts that its fields are where we take them to be. */
function userHeaders(user: UserC): Record<string, string> {
  const { filter, action, layout } = user;
  const offsets = (layout?.fields ?? []).map(
    ({ name, offset }) =>
      `_Static_assert(__builtin_offsetof(struct xcap_user_extend, ${name}) == ${offset}, "${name}");`,
  );
  return {
    'user.gen.h': [
      `#define XCAP_FILTER_C ${flag(filter !== undefined)}`,
      `#define XCAP_ACTION_C ${flag(action !== undefined)}`,
      `#define XCAP_USER_WORDS ${Math.max(0, userBytes(user) / 8 - 1)}`,
      '',
    ].join('\n'),
    'user-check.gen.h': [
      ...offsets,
      `_Static_assert(sizeof(struct xcap_user_extend) == ${layout?.bytes ?? 0}, "size");`,
      '',
    ].join('\n'),
    // Both are named in the template, whether they are there or not.
    [UNIT_NAMES['--filter-c']]: filter?.text ?? '',
    [UNIT_NAMES['--action-c']]: action?.text ?? '',
  };
}

/** The numbers of its names are numbers of the run. */
function whereHeader({ header, values }: WhereProgram, valueOf: ValueOf): string {
  const names = values.map((value, i) => `#define XCAP_WHERE_VALUE_${i} ${valueOf(value)}\n`);
  return `${names.join('')}${header}`;
}

const hasBuffer = ({ backend, arguments: { carrier } }: ResolvedHook): boolean =>
  backend === 'xdp' || carrier.kind === 'xdp';

const hasDescriptors = (hooks: readonly ResolvedHook[]): boolean =>
  hooks.some(({ arguments: { carrier } }) => carrier.struct === 'xsk_buff_pool');

/** The C of a capture, one text for each kind of hook: pure, the same input gives the same text. */
export function generateProgram(input: ProgramInput): ProgramSource {
  const kinds = [...new Set(input.hooks.map(unitKind))];
  const functionOf = new Map<ResolvedHook, string>();
  const values = new RunValues();
  const structs = [
    KERNEL_STRUCTS,
    ...(input.hooks.some(({ xdp }) => xdp !== undefined) ? [XDP_RUN_STRUCTS] : []),
    ...(hasDescriptors(input.hooks) ? [XSK_STRUCTS] : []),
    ...(input.hooks.some(seesBare) ? [SYNTH_STRUCTS] : []),
    ...(input.track === undefined ? [] : [TRACK_STRUCTS]),
    ...(hasWho(input.who) || input.who.follow ? [WHO_STRUCTS] : []),
  ].reduce(mergeWants);
  const shared = {
    'kernel.gen.h': emitStructs(
      input.btf,
      mergeWants(mergeWants(structs, input.where.structs), input.userC.wants),
    ),
    'events.gen.h': emitEventHeader(),
    'top.gen.h': emitTopHeader(input.top),
    'metadata.gen.h': emitMetadataHeader(input.metadata, values.of, input.who),
    'sample.gen.h': [
      `#define XCAP_SKIPS ${flag(input.skips)}`,
      `#define XCAP_SAMPLE ${flag(input.sample !== undefined)}`,
      ...(input.sample === undefined ? [] : [`#define XCAP_SAMPLE_OF ${values.of(input.sample)}`]),
      '',
    ].join('\n'),
    'where.gen.h': whereHeader(input.where, values.of),
    'filter.gen.h': filterHeader(input.filter),
    ...userHeaders(input.userC),
    'inner.gen.h': innerHeader(input.inner),
    ...ruleHeaders(input.rules),
  };
  const units = kinds.map((kind): ProgramUnit => {
    const hooks = input.hooks.filter((hook) => unitKind(hook) === kind);
    const prefix = `xcap_${kind.replaceAll('-', '_')}_`;
    // What --max-overhead detaches is a program with all its hooks: not one that has them all.
    const { text, names, nameOf } = emitHookFunctions(hooks, kind, prefix, input.regs, values.of, {
      share: !input.skips,
    });
    hooks.forEach((hook, i) => functionOf.set(hook, nameOf[i] ?? ''));
    return {
      text: compose({
        entries: ['hooks.bpf.c'],
        generated: {
          'config.gen.h': configHeader(input, kind, hooks, values.of),
          ...shared,
          'programs.gen.h': text,
        },
        readTemplate: input.readTemplate,
      }),
      functions: names,
    };
  });
  const watchers = watchersOf(input.btf, input.who, input.fentry);
  return {
    units: [
      ...units,
      ...(watchers.length === 0 ? [] : [watcherUnit(input, shared, watchers, values.of)]),
      ...ruleUnits(input),
    ],
    watchers,
    functionOf: input.hooks.map((hook) => functionOf.get(hook) ?? ''),
    values: values.all,
  };
}

function watcherUnit(
  input: ProgramInput,
  shared: Readonly<Record<string, string>>,
  watchers: readonly Watcher[],
  valueOf: ValueOf,
): ProgramUnit {
  return {
    text: compose({
      entries: ['who.bpf.c'],
      generated: { 'config.gen.h': configHeader(input, 'raw-tp', [], valueOf), ...shared },
      readTemplate: input.readTemplate,
    }),
    functions: watchers.map((watcher) => watcher.function),
  };
}
