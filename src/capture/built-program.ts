import type { RawProgram } from '../filter/cbpf.ts';
import type { FeatureId } from '../kernel/features.ts';
import type { CaptureOptions } from './options.ts';

/** A kernel, as far as it decides what is compiled. */
export interface KernelIdentity {
  /** As uname -r has it. */
  readonly release: string;
  /** As Node's process.arch has it. */
  readonly arch: string;
  /** SHA-256 of /sys/kernel/btf/vmlinux. */
  readonly btf: string;
}

/** What libpcap said, or rather what its program was, when it was asked this. */
export interface ExpressionAnswer {
  readonly expression: string;
  readonly linkType: number;
  readonly snaplen: number;
  readonly optimize: boolean;
  readonly answer: { readonly program: RawProgram } | { readonly error: string };
}

/** Options that decide what is compiled; names in them are looked up where it runs. */
export type BuiltOptions = Pick<
  CaptureOptions,
  | 'hooks'
  | 'backend'
  | 'exclude'
  | 'maxHooks'
  | 'loadPass'
  | 'xdpActions'
  | 'partial'
  | 'expression'
  | 'inner'
  | 'interface'
  | 'metadata'
  | 'where'
  | 'who'
  | 'snaplen'
  | 'ringKiB'
  | 'sample'
  | 'maxOverhead'
  | 'withoutFeature'
> & {
  /** Texts of --filter-c and --action-c, with names for messages. */
  readonly filterC: UserFile | undefined;
  readonly actionC: UserFile | undefined;
};

export interface UserFile {
  readonly name: string;
  readonly text: string;
}

/** One C text, by its hash: who makes the same one there may load what was made of it here. */
export interface BuiltUnit {
  readonly sha256: string;
  readonly functions: readonly string[];
}

/** What `xcap build` makes: all of a capture that takes libpcap or a C compiler. */
export interface BuiltProgram {
  /** Version of xcap: another one writes other C. */
  readonly xcap: string;
  readonly kernel: KernelIdentity;
  /** What was asked of the kernel, and its answer. */
  readonly abilities: readonly Ability[];
  readonly options: BuiltOptions;
  readonly expressions: readonly ExpressionAnswer[];
  /** What was hooked how, for messages. */
  readonly hooks: readonly string[];
  readonly license: string;
  readonly units: readonly BuiltUnit[];
  /** Base64, of the functions of all units in their order. */
  readonly insns: readonly string[];
}

export interface Ability {
  readonly id: FeatureId;
  readonly has: boolean;
}
