/** The maps of a capture: what a program and its reader agree on. */
import { COUNTERS } from './counters.ts';
import { EVENT_BYTES, SOCKET_BYTES } from './events.ts';
import { RULE_BYTES } from './rules.ts';
import { TOP_SUMS_BYTES } from './top.ts';
import { FOLLOWED_MAX, OWNER_BYTES, OWNERS_MAX, WHO_COUNTS } from './who.ts';

/** A map as BPF_MAP_CREATE wants it; `type` is enum bpf_map_type. */
export interface MapSpec {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

/** The C names map number i as `bpf_pseudo_fd(1, MAP_PLACEHOLDER + i)`; libbcc passes it through. */
export const MAP_PLACEHOLDER = 0x7ca90000;

/**
 * The C calls kernel function number ID of BTF as helper `KFUNC_PLACEHOLDER + ID`: clang here cannot
 * say it otherwise, and no helper has such a number.
 */
export const KFUNC_PLACEHOLDER = 0x4000_0000;

/**
 * The C names the number of the hook that a program is loaded for as this: one compiled function
 * serves many hooks, each loaded with its own number.
 */
export const HOOK_PLACEHOLDER = 0x7ca80000;

/**
 * The C names number i of a run (a process, a namespace, an address of this boot, ...) as a load of
 * `VALUE_PLACEHOLDER + i`: runs that differ in nothing else share their C, and so what was compiled of it.
 */
export const VALUE_PLACEHOLDER = 0x7caa0000;

/** The C names what a program has to return as this, where its hook prescribes it. */
export const RETURN_PLACEHOLDER = 0x7ca70000;

/**
 * The C names a function that the kernel calls back as this: the one that callbackOf() names, whose
 * instructions are put behind the program's own.
 */
export const CALLBACK_PLACEHOLDER = 0x7ca60000;

/** The function that a program hands the kernel to call, at most one. */
export const callbackOf = (program: string): string => `${program}_each`;

/** Order is the map's number; each has a macro XCAP_MAP_* in the C. */
export const MAP_NAMES = [
  'ring',
  'counts',
  'slots',
  'depth',
  'runs',
  'pending',
  'sampling',
  'top',
  'stacks',
  'tracked',
  'tracking',
  'track_ids',
  'followed',
  'owners',
  'who_counts',
  'verdicts',
  'passing',
  'tables',
  'entered',
  'changes',
] as const;
export type MapName = (typeof MAP_NAMES)[number];

/** enum bpf_map_type, include/uapi/linux/bpf.h. */
const MAP_TYPE = {
  ...{ hash: 1, array: 2, percpuHash: 5, percpuArray: 6, stackTrace: 7 },
  ...{ lruHash: 9, lruPercpuHash: 10, ringbuf: 27 },
} as const;

/**
 * Process, softirq, hard interrupt and NMI can nest on one CPU, each with an event half written:
 * one slot for each.
 */
export const NESTING_LEVELS = 4;

/** Slots of a CPU for programs that a task can be put aside in: see templates/include/slots.h. */
export const CLAIMED_SLOTS = 4;

/** The longest IP packet without jumbo options, with its link headers, rounded up. */
export const CAPTURE_LIMIT = 65_600;

/**
 * A slot has so many bytes more than are gathered in it: the verifier knows the place and the length of
 * a copy each by a bound of its own. A power of two.
 */
export const GATHER_STEP = 8192;

export interface MapSizes {
  readonly hooks: number;
  readonly possibleCpus: number;
  readonly captureMax: number;
  readonly ringBytes: number;
  /** Bytes between event and packet for the fields of --action-c, a multiple of 8. */
  readonly userBytes: number;
  /** Of WHO_FIELDS, before those: 0 or WHO_BYTES. */
  readonly whoBytes: number;
  /** --follow. */
  readonly follows: boolean;
  /** --who owner. */
  readonly owners: boolean;
  /** Some programs claim their slots: there are CLAIMED_SLOTS more. */
  readonly claims: boolean;
  /** Hooks at the entry of XDP programs that have another at the exit: see templates/include/xdp/run.h. */
  readonly xdpPairs: number;
  /** Some programs can read what is not in the linear part. */
  readonly gathers: boolean;
  /** Bytes that a filter may ask for of such packets. */
  readonly filterBytes: number;
  /** Bytes that a filter may ask for of packets that get headers of ours; undefined: none get some. */
  readonly bareBytes?: number | undefined;
  /** Some events wait for the return of their function. */
  readonly returns: boolean;
  /** Frames of a stack, where events have one; undefined: they have none. */
  readonly stackDepth?: number | undefined;
  /** Packets are followed. */
  readonly tracks?: boolean | undefined;
  /** Rules are watched: each event has what is known of its packet's, behind the fields of --action-c. */
  readonly rules?: boolean | undefined;
  /** ruleBytes() of it. */
  readonly ruleBytes?: number | undefined;
  /** Events are counted by a key; undefined: they are sent. */
  readonly top?: TopSizes | undefined;
}

export interface TopSizes {
  readonly keyBytes: number;
  /** Keys that are told apart. */
  readonly rows: number;
}

/** Packets between a rule's verdict and their end, on all CPUs: more take the place of the oldest. */
const VERDICTS = 4096;
/** Packets in chains at a time, by address: those that share a place are not told. A power of two. */
export const PASSING_PLACES = 4096;
/** Tables of iptables-legacy, in all namespaces, that are watched. */
const WATCHED_TABLES = 1024;

/** Bytes of an event for what is known of a rule. */
export const ruleBytes = ({ rules = false }: Pick<MapSizes, 'rules'>): number =>
  rules ? RULE_BYTES : 0;

/** Activations whose event can wait at a time: more are lost, and counted. */
const PENDING_EVENTS = 512;
/** Most bytes of a packet that wait with it: each of the events has room for as many. */
export const PENDING_BYTES = 16_384;

/** Stacks that can be told apart: a place is taken for the whole run. */
export const STACKS = 8192;

/** Addresses of followed packets: an skb and its memory each. */
export const TRACKED = 65_536;

export const pendingMax = (captured: number): number =>
  Math.min(captured + SOCKET_BYTES, PENDING_BYTES);

/**
 * Captured bytes per event: the snap length, but at most a quarter of the ring.
 *
 * @param moreBytes between event and packet
 */
export function captureMax(snaplen: number, ringBytes: number, moreBytes: number): number {
  const RECORD_HEADER = 8;
  return Math.min(snaplen, CAPTURE_LIMIT, ringBytes / 4 - EVENT_BYTES - moreBytes - RECORD_HEADER);
}

/** Slots of one CPU. */
export function slotsPerCpu({ claims }: Pick<MapSizes, 'claims'>): number {
  return NESTING_LEVELS + (claims ? CLAIMED_SLOTS : 0);
}

/** For the headers in front of such a packet, a socket, and what a filter's window reads beyond its end. */
const BARE_ROOM = 1024;

/** Bytes for the packet in a slot: struct xcap_slot of templates/include/event.h. */
export function slotDataBytes(
  sizes: Pick<MapSizes, 'captureMax' | 'gathers' | 'filterBytes' | 'bareBytes'>,
): number {
  const captured = Math.max(sizes.captureMax, SOCKET_BYTES);
  const gathered = sizes.gathers ? Math.max(captured, sizes.filterBytes) + GATHER_STEP : 0;
  const bare =
    sizes.bareBytes === undefined ? 0 : Math.max(captured, gathered, sizes.bareBytes) + BARE_ROOM;
  return (Math.max(captured, gathered, bare) + 7) & ~7;
}

/** Of struct xcap_found. */
export const FOUND_BYTES = 32;
/** Of struct xcap_walk, struct xcap_found and struct xcap_making, behind it. */
export const SCRATCH_BYTES = 112 + FOUND_BYTES + 120;

/** The specs in the order of MAP_NAMES. */
export function captureMaps(sizes: MapSizes): readonly MapSpec[] {
  const slots = sizes.possibleCpus * slotsPerCpu(sizes);
  const extraBytes = sizes.whoBytes + sizes.userBytes + ruleBytes(sizes);
  const slotBytes = EVENT_BYTES + extraBytes + slotDataBytes(sizes) + SCRATCH_BYTES;
  const ifRules = (count: number): number => (sizes.rules === true ? count : 1);
  const specs: Record<MapName, Omit<MapSpec, 'name' | 'flags'>> = {
    ring: { type: MAP_TYPE.ringbuf, keySize: 0, valueSize: 0, maxEntries: sizes.ringBytes },
    counts: {
      type: MAP_TYPE.percpuArray,
      keySize: 4,
      valueSize: 8 * COUNTERS.length,
      maxEntries: sizes.hooks,
    },
    slots: {
      type: MAP_TYPE.array,
      keySize: 4,
      valueSize: slotBytes,
      maxEntries: slots,
    },
    // struct xcap_nesting of templates/include/slots.h.
    depth: {
      type: MAP_TYPE.percpuArray,
      keySize: 4,
      valueSize: 8 + 8 * CLAIMED_SLOTS,
      maxEntries: 1,
    },
    // struct xcap_runs of templates/include/xdp/run.h.
    runs: {
      type: MAP_TYPE.percpuArray,
      keySize: 4,
      valueSize: 8 + 8 * 24,
      maxEntries: Math.max(1, sizes.xdpPairs),
    },
    // struct xcap_activation of templates/include/returns.h, and the beginning of a slot.
    pending: {
      type: MAP_TYPE.hash,
      keySize: 16,
      valueSize: sizes.returns
        ? (EVENT_BYTES + extraBytes + pendingMax(sizes.captureMax) + 7) & ~7
        : 8,
      maxEntries: sizes.returns ? PENDING_EVENTS : 1,
    },
    // By hook, the mask of templates/include/sample.h.
    sampling: { type: MAP_TYPE.array, keySize: 4, valueSize: 4, maxEntries: sizes.hooks },
    // struct xcap_top_key and xcap_top_sums. Not one that evicts: what has no room is counted too,
    // in a row more.
    top: {
      type: MAP_TYPE.percpuHash,
      keySize: sizes.top?.keyBytes ?? 8,
      valueSize: TOP_SUMS_BYTES,
      maxEntries: sizes.top === undefined ? 1 : sizes.top.rows + 1,
    },
    // Addresses, innermost first, up to the first that is 0.
    stacks:
      sizes.stackDepth === undefined
        ? { type: MAP_TYPE.array, keySize: 4, valueSize: 8, maxEntries: 1 }
        : {
            type: MAP_TYPE.stackTrace,
            keySize: 4,
            valueSize: 8 * sizes.stackDepth,
            maxEntries: STACKS,
          },
    // struct xcap_tracked of templates/include/track.h.
    tracked: {
      type: MAP_TYPE.hash,
      keySize: 8,
      valueSize: 40,
      maxEntries: sizes.tracks === true ? TRACKED : 1,
    },
    // Whether packets are followed, and the last id of each CPU.
    tracking: { type: MAP_TYPE.array, keySize: 4, valueSize: 4, maxEntries: 1 },
    track_ids: { type: MAP_TYPE.percpuArray, keySize: 4, valueSize: 8, maxEntries: 1 },
    // Process to one of FOLLOW_SIDES.
    followed: {
      type: MAP_TYPE.hash,
      keySize: 4,
      valueSize: 4,
      maxEntries: sizes.follows ? FOLLOWED_MAX : 1,
    },
    // struct xcap_owner of templates/include/who/owner.h. Not one that evicts: what has no room is counted.
    owners: {
      type: MAP_TYPE.hash,
      keySize: 8,
      valueSize: OWNER_BYTES,
      maxEntries: sizes.owners ? OWNERS_MAX : 1,
    },
    who_counts: { type: MAP_TYPE.array, keySize: 4, valueSize: 8, maxEntries: WHO_COUNTS.length },
    // Of a packet, by its address: struct xcap_rule.
    verdicts: {
      type: MAP_TYPE.lruHash,
      keySize: 8,
      valueSize: RULE_BYTES,
      maxEntries: ifRules(VERDICTS),
    },
    // struct xcap_note of templates/include/rules/state.h.
    passing: {
      type: MAP_TYPE.array,
      keySize: 4,
      valueSize: 32,
      maxEntries: ifRules(PASSING_PLACES),
    },
    // struct xcap_xt_sums and xcap_xt_entered of templates/xt-rules.bpf.c. A table that is replaced is another
    // one: the oldest go.
    tables: {
      type: MAP_TYPE.lruPercpuHash,
      keySize: 8,
      valueSize: 48,
      maxEntries: ifRules(WATCHED_TABLES),
    },
    entered: {
      type: MAP_TYPE.array,
      keySize: 4,
      valueSize: 32,
      maxEntries: ifRules(PASSING_PLACES),
    },
    // Replacements of tables, begun and done.
    changes: { type: MAP_TYPE.array, keySize: 4, valueSize: 16, maxEntries: 1 },
  };
  return MAP_NAMES.map((name) => ({ name: `xcap_${name}`, flags: 0, ...specs[name] }));
}
