/** What a hook is, on any kernel; hooks/resolve.ts makes one for the running kernel. */

/** An argument of the tracepoint and the macro that tells the template its place. */
export interface TracepointArgument {
  readonly name: string;
  readonly define: string;
  /** A kernel without it still serves the hook (drop reasons came with 5.17). */
  readonly optional: boolean;
}

export interface HookSpec {
  /** Name in outputs. */
  readonly id: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** How the banner says what is traced. */
  readonly subject: string;
  readonly category: string;
  readonly tracepoint: string;
  /** File in templates/ and the function in it. */
  readonly template: string;
  readonly program: string;
  /** Macro that gives the template this hook's index in the run. */
  readonly indexDefine: string;
  /** The way that every packet of this hook goes; undefined when skb->pkt_type has to tell. */
  readonly direction: 'inbound' | 'outbound' | undefined;
  /** Its events say where in the kernel they happened. */
  readonly hasLocation: boolean;
  readonly arguments: readonly TracepointArgument[];
}

/** BTF-typed programs read kernel structures by plain loads; raw ones by a helper. */
export type TracepointMode = 'btf-typed' | 'raw';

export interface ResolvedHook {
  readonly spec: HookSpec;
  readonly mode: TracepointMode;
  /** BTF id of `btf_trace_NAME`, what a BTF-typed program attaches to. */
  readonly attachBtfId: number;
  /** Macro -> index of the argument in the program's context. */
  readonly argumentIndexes: Readonly<Record<string, number>>;
}
