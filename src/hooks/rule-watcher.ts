import type { Btf } from '../btf/btf.ts';

/** A function of the kernel that tells of rules, and the program that looks there. */
export interface RuleWatcher {
  readonly target: string;
  readonly module: string | undefined;
  readonly attachBtfId: number;
  readonly at: 'entry' | 'return';
  /** The compiled function. */
  readonly program: string;
  /** By a kprobe: where, by the name where addresses are hidden, and what its program is told. */
  readonly probe?: { readonly addresses: readonly bigint[]; readonly number: number };
}

type WatcherTemplate =
  | 'nft-rules.bpf.c'
  | 'xt-rules.bpf.c'
  | 'xt-changes.bpf.c'
  | 'fate-rules.bpf.c'
  | 'call-rules.bpf.c';

/** C of one template, for the kernel's types in one BTF. */
export interface WatcherUnit {
  readonly template: WatcherTemplate;
  readonly btf: Btf;
  /** Renames the template's functions, of which there are several copies. */
  readonly prefix: string;
  readonly defines: readonly (readonly [string, string])[];
  readonly functions: readonly string[];
  readonly watchers: readonly RuleWatcher[];
}
