import {
  CALLBACK_PLACEHOLDER,
  CLAIMED_SLOTS,
  FOUND_BYTES,
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
import { hasSkbOrSocket, type ResolvedHook } from '../hooks/resolved.ts';
import type { PagedSource } from '../kernel/paged-source.ts';
import type { PreemptFunctions } from '../kernel/preempt-functions.ts';
import type { RedirectSource } from '../kernel/redirect-source.ts';
import { flag } from './flag.ts';
import { filterGathers, reachOf } from './filter-headers.ts';
import { hasDescriptors, seesBare } from './hooks.ts';
import type { ProgramInput } from './program-input.ts';
import { ruleDefines } from './rules.ts';
import type { ValueOf } from './run-values.ts';
import {
  argumentsByHelper,
  countsAlone,
  hasStackHelper,
  hasTaskHelpers,
  isTyped,
  startsInOwnFrame,
  type UnitKind,
} from './unit-kind.ts';
import { whoDefines } from './who.ts';

/** `config.gen.h`: what the programs of one text are to do, and how they can on this kernel. */
export function configHeader(
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
    ['XCAP_ARGUMENTS_BY_HELPER', flag(argumentsByHelper(kind))],
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
    ...smallDefines(input.captureMax),
    ['XCAP_RETURNS', flag(input.hooks.some(({ part }) => part !== undefined))],
    ['XCAP_PENDING_MAX', pendingMax(input.captureMax)],
    ['XCAP_STACK', flag(input.stacks && hasStackHelper(kind))],
    ['XCAP_TRACK', flag(input.track !== undefined)],
    ['XCAP_TRACK_BY_HEAD', flag(input.track?.byHead === true)],
    // Elsewhere memory is known for the sake of what an XDP program has seen before there is an skb.
    ['XCAP_TRACK_HEADS', flag(input.track?.byHead === true || input.hooks.some(hasBuffer))],
    ['XCAP_TRACK_CPUS', input.track === undefined ? 1 : valueOf(input.track.cpus, 'cpus')],
    ['XCAP_STACK_OWN_FRAME', flag(startsInOwnFrame(kind))],
    // Where packets are read in place, the window is none of the stack's.
    ['XCAP_VAR_STACK', flag(input.varStackRead && cast === undefined)],
    ['XCAP_PREEMPT_COUNT_ID', context.kind === 'preempt-count' ? context.btfId : 0],
    ['XCAP_PREEMPT_COUNT_OFFSET', context.kind === 'preempt-count' ? context.offset : 0],
    ['XCAP_TASK_STACK_OFFSET', context.kind === 'task-stack' ? context.offset : 0],
    ...preemptDefines(preempt),
    ['XCAP_SLOT_DATA', input.slotData],
    ['XCAP_GATHER_STEP', GATHER_STEP],
    ['XCAP_FOUND_BYTES', FOUND_BYTES],
    ['XCAP_SCRATCH_BYTES', SCRATCH_BYTES],
    ['XCAP_FILTER_GATHERS', filterGathers(input, paged)],
    ['XCAP_FILTER_REACH', `${reachOf(input)}u`],
    ...pagedDefines(paged, valueOf),
    ['XCAP_WHERE', flag(input.where.conditional)],
    ['XCAP_SYNTH', flag(hooks.some(seesBare))],
    ...whoDefines(input.btf, input.who, input.fentry),
    ['XCAP_SKBS', flag(hooks.every(({ arguments: of }) => hasSkbOrSocket(of.carrier)))],
    ['XCAP_XSK', flag(hasDescriptors(input.hooks))],
    ['XCAP_XDP_RUNS', flag(input.hooks.some(({ xdp }) => xdp !== undefined))],
    ...redirectDefines(input.redirect, valueOf),
    ...ruleDefines(input.rules),
  ];
  return defines.map(([name, value]) => `#define ${name} ${value}`).join('\n') + '\n';
}

/** Room for a packet's bytes in events that are put together in the ring itself: most packets are small or large. */
const SMALL_BYTES = 128;
const SMALL_MAX_BYTES = 256;

/** What was found of the packet is put there before its bytes are (templates/include/capture.h). */
function smallDefines(captureMax: number): [string, number][] {
  const most = Math.max(FOUND_BYTES, (Math.min(captureMax, SMALL_MAX_BYTES) + 7) & ~7);
  return [
    ['XCAP_SMALL', Math.min(most, SMALL_BYTES)],
    ['XCAP_SMALL_MAX', most],
  ];
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

const hasBuffer = ({ backend, arguments: { carrier } }: ResolvedHook): boolean =>
  backend === 'xdp' || carrier.kind === 'xdp';
