import type { ReturnType } from './return-type.ts';
import type { Backend, Direction } from './spec.ts';

/**
 * What an argument leads to: the packet, a place that holds the packet's address (`struct sk_buff
 * **`, or a struct with a member `skb`: nft_pktinfo), a packet that has no skb yet (`struct xdp_buff
 * *`), the pool of zero-copy sockets, for one frame or for a batch of them, or a socket without a packet.
 */
export type CarrierKind =
  'skb' | 'skb-pointer' | 'skb-member' | 'xdp' | 'xsk' | 'xsk-batch' | 'sock';

/** The argument that carries the packet. */
export interface Carrier {
  readonly kind: CarrierKind;
  /** Which 64-bit word of the arguments it is, from 0: a struct passed by value can take two. */
  readonly slot: number;
  /** The verifier knows what it points to. */
  readonly typed: boolean;
  /** As people count arguments, from 1. */
  readonly number: number;
  /** As the kernel's source has it; empty where BTF does not tell. */
  readonly name: string;
  /** Bytes from where it points to, to the packet's address; 0 but for members of a struct. */
  readonly offset: number;
  /** Name of the struct that it points to. */
  readonly struct: string;
}

/** The packet is an skb or made up from a socket: no buffer of XDP, which may end where its memory does. */
export const hasSkbOrSocket = ({ kind }: Carrier): boolean =>
  kind === 'skb' || kind === 'skb-pointer' || kind === 'skb-member' || kind === 'sock';

/** What a program reads of its arguments: functions of hooks with equal ones are the same. */
export interface HookArguments {
  readonly carrier: Carrier;
  /** It is never null. */
  readonly certain: boolean;
  readonly location?: number | undefined;
  readonly reason?: number | undefined;
  readonly rxSk?: number | undefined;
  /** The socket that an xdp_buff is for. */
  readonly owner?: number | undefined;
  /** The descriptor of the frame in an xsk_buff_pool. */
  readonly descriptor?: number;
  /** What a socket is to send: word of its `struct msghdr`. */
  readonly message?: number | undefined;
  /** Packets that have no headers yet can come by: see templates/include/synth/synth.h. */
  readonly bare?: boolean;
  /** Not the descriptors in the pool's own array: they are seen when the batch is whole. */
  readonly butBatches?: boolean;
}

/** Somebody's loaded BPF program. */
export interface ProgramTarget {
  readonly id: number;
  readonly name: string;
}

/** Runs of XDP or other BPF programs that a hook is of: which end of them, its backend tells. */
export interface XdpRuns {
  /** What the user named, without its end: hooks of both ends of the same runs have the same. */
  readonly of: string;
  /** Number of the pair that the hooks of both ends make; undefined when the other end is not traced. */
  readonly pair: number | undefined;
  /** Packets of this device only. */
  readonly device:
    | {
        readonly ifindex: number;
        readonly netns: number;
        /** A file that leads there; undefined for the caller's own namespace. */
        readonly netnsPath: string | undefined;
      }
    | undefined;
  /** Where the attach point is that of all programs: which of them, a device's own without an id. */
  readonly ranProgram:
    { readonly insnsOffset: number; readonly id: number | undefined } | undefined;
}

/** What a tracker does with its packet. */
export type Tracker =
  | { readonly does: 'end' }
  /** Word of the arguments that has what it is copied from. */
  | { readonly does: 'copy'; readonly from: number }
  /** Word of the arguments that has the slab cache. */
  | { readonly does: 'slab'; readonly cache: number };

/** A hook on the kernel that runs: one attach point. */
export interface ResolvedHook {
  /** Name in outputs, unique in a run. */
  readonly id: string;
  /** The pattern, as typed, that it was found by; undefined when it was named itself. */
  readonly pattern: string | undefined;
  /** How the banner says what is traced; undefined where the place says it. */
  readonly subject: string | undefined;
  readonly backend: Backend;
  /** Name of the tracepoint, without its category, or of the function. */
  readonly target: string;
  /** How people name that place: `skb:kfree_skb`, `veth_xmit [veth]`. */
  readonly place: string;
  /** Module whose BTF `attachBtfId` counts in; undefined for the kernel's own. */
  readonly module: string | undefined;
  /** BTF id of `btf_trace_NAME` or of the function, what BTF-typed programs attach to. */
  readonly attachBtfId: number;
  /** The kernel tells the program with each event which hook it is: one program serves many. */
  readonly cookie: boolean;
  /** Where a kprobe goes; empty when the name has to do. */
  readonly addresses: readonly bigint[];
  readonly arguments: HookArguments;
  readonly direction: Direction;
  readonly hasLocation: boolean;
  /** The packet starts at skb->data, whatever the header offsets say. */
  readonly atData: boolean;
  /** Address that skb->destructor has to be; undefined takes every packet. */
  readonly destructor: bigint | undefined;
  /** What the value that its events end with means; undefined where they have none. */
  readonly returns: ReturnType | undefined;
  /**
   * The BPF program that it is attached to: `attachBtfId` is then its entry function, in its own BTF.
   */
  readonly program?: ProgramTarget | undefined;
  /** At the runs of XDP or other BPF programs: of which, and which end the hook is. */
  readonly xdp?: XdpRuns | undefined;
  /** What the program has to return, whatever it sees: its place in a hook map. */
  readonly verdict?: number;
  /** Word of the context that has it; undefined where there is another way. */
  readonly returnSlot?: number | undefined;
  /**
   * Which of the two attach points of a function's return it is: what the one captures at the entry is
   * kept, and the other sends it.
   */
  readonly part?: 'entry' | 'return' | undefined;
  /** It sends no events: it keeps account of where followed packets are. */
  readonly tracker?: Tracker | undefined;
  /** Only of packets that are followed already: nothing begins there. */
  readonly followsOnly?: boolean | undefined;
}

/**
 * The ids of the hooks, each once: a hook's place among them is its number in events and counters.
 * Several attach points can be one hook.
 */
export function hookIds(hooks: readonly Pick<ResolvedHook, 'id'>[]): readonly string[] {
  return [...new Set(hooks.map(({ id }) => id))];
}

const BACKEND_NAMES: Readonly<Record<Backend, string>> = {
  'tp-btf': 'BTF-typed',
  'raw-tp': 'raw',
  fentry: 'fentry',
  fexit: 'fexit',
  kprobe: 'kprobe',
  kretprobe: 'kretprobe',
  'kprobe-multi': 'kprobe.multi',
  xdp: 'XDP',
};

export const backendName = (backend: Backend): string => BACKEND_NAMES[backend];

/** As the banner and if_description name it: `skb:kfree_skb, BTF-typed`. */
export function describeAttachPoint({ place, backend }: ResolvedHook): string {
  return `${place}, ${BACKEND_NAMES[backend]}`;
}

/** For the banner: each hook that was named, and how many a pattern stands for. */
export function describeHooks(hooks: readonly ResolvedHook[]): readonly string[] {
  const patterns = new Map<string, ResolvedHook[]>();
  for (const hook of hooks) {
    if (hook.pattern === undefined) continue;
    patterns.set(hook.pattern, [...(patterns.get(hook.pattern) ?? []), hook]);
  }
  return [
    // The actions of a hook map are one place.
    ...new Set(
      hooks
        .filter(({ pattern, part }) => pattern === undefined && part !== 'entry')
        .map(describeHook),
    ),
    ...[...patterns].map(([pattern, found]) => {
      const backends = [...new Set(found.map(({ backend }) => BACKEND_NAMES[backend]))];
      const what = pattern.startsWith('profile:') ? 'hook' : 'function';
      return `${pattern} (${found.length} ${what}${found.length === 1 ? '' : 's'}, ${backends.join(' and ')})`;
    }),
  ];
}

/** For one: `packet drops (skb:kfree_skb, BTF-typed)`, `net:netif_rx (BTF-typed)`. */
function describeHook(hook: ResolvedHook): string {
  const { subject, place, backend } = hook;
  if (subject === undefined) return `${place} (${BACKEND_NAMES[backend]})`;
  return `${subject} (${describeAttachPoint(hook)})`;
}
