import { argumentSlots } from './carrier.ts';
import { XcapError } from '../errors.ts';
import { memberPath } from '../btf/members.ts';
import { hooksFunctions, resolveFunction } from './function.ts';
import { locateFunctions, type FunctionKernel } from './function-facts.ts';
import type { Carrier, ResolvedHook, Tracker } from './resolved.ts';
import { findTracepoint, tracepointBackend } from './tracepoint.ts';

/** How packets are followed on a kernel: see templates/include/track.h. */
export interface Tracking {
  /** Attached beside the hooks of the run, without events of their own. */
  readonly trackers: readonly ResolvedHook[];
  /** No function can be hooked: clones are known by the memory that they share. */
  readonly byHead: boolean;
  /** What cannot be followed here, for the user. */
  readonly notes: readonly string[];
}

/** Where an skb ends: the kernel frees most by one of these, by whatever function. */
const END_TRACEPOINTS = ['kfree_skb', 'consume_skb'] as const;
/** And those that TCP, or a driver that has taken their memory, gives back without saying so. */
const END_FUNCTIONS = ['kfree_skbmem', 'napi_skb_free_stolen_head'] as const;
/**
 * Functions of (new, old): the first that a kernel has is called for every clone, copy and segment; else the
 * two of the second row, for clones and for copies.
 */
const COPIES = [['__copy_skb_header'], ['__skb_clone', 'skb_copy_header']] as const;
/** The fragments of a packet: (to, from). */
const FRAGMENTS = 'ip_copy_metadata';

/** Places at which an skb is at its end: nothing is followed from there on. */
const LAST = new Set<string>([
  ...END_TRACEPOINTS,
  ...END_FUNCTIONS,
  ...['skb_release_data', 'skb_release_head_state', 'skb_release_all', '__kfree_skb'],
  ...['skb_free_head', 'skb_kfree_head'],
]);

/** The hook's packets end there. */
export const isLast = ({ target }: Pick<ResolvedHook, 'target'>): boolean => LAST.has(target);

/** @param assumeAble as in ResolveOptions */
export function resolveTrackers(kernel: FunctionKernel, assumeAble: boolean): Tracking {
  const ends = END_TRACEPOINTS.flatMap((name) => endTracepoint(kernel, name, assumeAble));
  if (!hooksFunctions(kernel)) return trackByHead(kernel, ends, assumeAble);
  const locate = locateFunctions(kernel, new Set([...END_FUNCTIONS, ...COPIES.flat(), FRAGMENTS]));
  const hook = (name: string, tracker: Tracker): readonly ResolvedHook[] => {
    try {
      const spec = { name, backend: undefined, argument: undefined, returns: false };
      return [{ ...resolveFunction(spec, `track_${name}`, kernel, locate), tracker }];
    } catch (error) {
      if (!(error instanceof XcapError)) throw error;
      return [];
    }
  };
  const copy = (name: string): readonly ResolvedHook[] => hook(name, { does: 'copy', from: 1 });
  const copies =
    COPIES.map((names) => names.flatMap(copy)).find(
      (found, i) => found.length === COPIES[i]?.length,
    ) ?? [];
  const functions = END_FUNCTIONS.flatMap((name) => hook(name, { does: 'end' }));
  // Without them an address could be taken for a packet that has left it.
  if (!functions.some(({ target }) => target === 'kfree_skbmem')) {
    return trackByHead(kernel, ends, assumeAble);
  }
  const fragments = copy(FRAGMENTS);
  return {
    // Ends go last: at one place programs run in the order in which they are attached.
    trackers: [...copies, ...fragments, ...functions, ...ends],
    byHead: copies.length === 0,
    notes: [
      ...(copies.length === 0 ? [NO_COPIES] : []),
      ...(fragments.length === 0
        ? ['--track: IP fragments made on this kernel are not followed']
        : []),
    ],
  };
}

const NO_COPIES =
  '--track: clones are followed by the memory that they share, copies (skb_copy, a tap of a raw socket that changes them) and fragments are not: this kernel lets no function be hooked that makes them';

function trackByHead(
  kernel: FunctionKernel,
  ends: readonly ResolvedHook[],
  assumeAble: boolean,
): Tracking {
  const slab = slabTracepoint(kernel, assumeAble);
  return {
    trackers: [...slab, ...ends],
    byHead: true,
    notes: [
      NO_COPIES,
      ...(slab.length === 0
        ? [
            '--track: this kernel does not tell when TCP frees a packet: another one at its address may get its id',
          ]
        : []),
    ],
  };
}

function tracepointHook(
  kernel: FunctionKernel,
  name: string,
  assumeAble: boolean,
): Omit<ResolvedHook, 'arguments' | 'tracker'> | undefined {
  const found = findTracepoint(kernel, name);
  if (found === undefined) return undefined;
  return {
    ...{ id: `track_${name}`, pattern: undefined, subject: undefined },
    backend: tracepointBackend(kernel.features, assumeAble),
    ...{ target: name, place: name, module: found.module, attachBtfId: found.attachBtfId },
    ...{ cookie: false, addresses: [], direction: undefined, hasLocation: false },
    ...{ atData: false, destructor: undefined, returns: undefined },
  };
}

function endTracepoint(
  kernel: FunctionKernel,
  name: string,
  assumeAble: boolean,
): readonly ResolvedHook[] {
  const hook = tracepointHook(kernel, name, assumeAble);
  const params = findTracepoint(kernel, name)?.params ?? [];
  const slot = params.findIndex(({ pointsTo }) => pointsTo === 'sk_buff');
  if (hook === undefined || slot < 0) return [];
  return [
    { ...hook, arguments: { carrier: skbAt(slot, true), certain: true }, tracker: { does: 'end' } },
  ];
}

function slabTracepoint(kernel: FunctionKernel, assumeAble: boolean): readonly ResolvedHook[] {
  const hook = tracepointHook(kernel, 'kmem_cache_free', assumeAble);
  const found = findTracepoint(kernel, 'kmem_cache_free');
  if (hook === undefined || found === undefined) return [];
  const slots = argumentSlots(found.btf, found.params);
  const slotOf = (name: string): number | undefined =>
    slots[found.params.findIndex((param) => param.name === name)];
  const [pointer, cache] = [slotOf('ptr'), slotOf('s')];
  // Its size tells skbs from the rest, which is most of what is freed.
  const sized = memberPath(kernel.btf, 'kmem_cache', 'object_size') !== undefined;
  if (pointer === undefined || cache === undefined || !sized) return [];
  const carrier = skbAt(pointer, false);
  return [{ ...hook, arguments: { carrier, certain: true }, tracker: { does: 'slab', cache } }];
}

const skbAt = (slot: number, typed: boolean): Carrier => ({
  ...{ kind: 'skb', slot, typed, number: slot + 1, name: 'skb', offset: 0, struct: 'sk_buff' },
});
