/** What a hook is as the user names it, on any kernel. */

/** Events name their hook by 16 bits. */
export const MOST_HOOKS = 65535;

/** How a program gets to its events. */
export type Backend =
  'tp-btf' | 'raw-tp' | 'fentry' | 'fexit' | 'kprobe' | 'kretprobe' | 'kprobe-multi' | 'xdp';
/** Those that functions are hooked by. */
export type FunctionBackend = Extract<Backend, 'fentry' | 'kprobe' | 'kprobe-multi'>;

/** The way that every packet of a hook goes; undefined when skb->pkt_type has to tell. */
export type Direction = 'inbound' | 'outbound' | undefined;

/** An argument of a logical hook's tracepoint that says more than the packet does. */
export interface ExtraArgument {
  readonly role: 'location' | 'reason' | 'rxSk';
  /** Its name in the kernel's source. */
  readonly name: string;
  /** A kernel without it still serves the hook (drop reasons came with 5.17). */
  readonly optional: boolean;
}

/** A hook with a name of xcap's own: the same on every kernel. */
export interface LogicalHook {
  /** Name in outputs. */
  readonly id: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** How the banner says what is traced. */
  readonly subject: string;
  readonly direction: Direction;
  readonly at: TracepointPlace | FunctionPlace;
}

/** A tracepoint of a logical hook. */
export interface TracepointPlace {
  readonly kind: 'tracepoint';
  readonly category: string;
  readonly tracepoint: string;
  /** Its events say where in the kernel they happened. */
  readonly hasLocation: boolean;
  readonly extras: readonly ExtraArgument[];
}

/** Functions of a logical hook: an event of any of them is one of the hook. */
export interface FunctionPlace {
  readonly kind: 'function';
  readonly functions: readonly string[];
  /** The packet starts at skb->data, whatever the header offsets say. */
  readonly atData: boolean;
  /** Only packets whose skb->destructor is this function: others come by too. */
  readonly destructor: string | undefined;
  /**
   * Functions whose return gives drivers descriptors of zero copy, events of the hook too: the one for
   * one at a time, and the one for as many as there are.
   */
  readonly descriptors?: { readonly one: string; readonly batch: string };
}

/** A hook name taken apart; nothing is asked of a kernel. `id` is its name in outputs. */
export type HookSpec =
  | { readonly kind: 'logical'; readonly id: string; readonly hook: LogicalHook }
  | {
      readonly kind: 'tracepoint';
      readonly id: string;
      readonly category: string;
      readonly name: string;
    }
  | ({ readonly kind: 'xdp'; readonly id: string } & XdpSpec)
  /** A hook map of XDP programs, by its path in a BPF file system. */
  | { readonly kind: 'xdp-map'; readonly id: string; readonly path: string }
  | ({ readonly kind: 'bpf'; readonly id: string } & ProgramSpec)
  | ({ readonly kind: 'function'; readonly id: string } & FunctionSpec)
  | ({ readonly kind: 'functions'; readonly id: string } & PatternSpec)
  | { readonly kind: 'profile'; readonly id: string; readonly members: readonly HookSpec[] };

/** One end of the runs of XDP programs. */
export interface XdpSpec {
  /** A device (`eth0`, `eth0@blue`), or a program by id or name. */
  readonly of: string;
  readonly end: 'entry' | 'exit';
}

/** One end of the runs of a BPF program that is given packets as sk_buffs. */
export interface ProgramSpec {
  /** Its id or its name. */
  readonly of: string;
  readonly end: 'entry' | 'exit';
}

/** A kernel function by name. */
export interface FunctionSpec {
  readonly name: string;
  /** By a prefix; undefined takes the cheapest that works. */
  readonly backend: FunctionBackend | undefined;
  /** @N, from 0: the argument that is the packet; undefined: BTF tells. */
  readonly argument: number | undefined;
  /** Its events are its returns, with what it returned. */
  readonly returns: boolean;
}

/** Kernel functions by a pattern: those with a packet. */
export interface PatternSpec {
  /** `tcp_*`, with `*` and `?`; `*` for `all`. */
  readonly pattern: string;
  readonly backend: FunctionBackend | undefined;
  readonly argument: number | undefined;
}
