import type { TopDimension } from '../abi/top.ts';
import type { Btf } from '../btf/btf.ts';
import type { FilterPair } from '../filter/compile-expression.ts';
import type { InnerFilter } from '../filter/compile-inner.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';
import type { ContextSource } from '../kernel/context-source.ts';
import type { PagedSource } from '../kernel/paged-source.ts';
import type { PreemptFunctions } from '../kernel/preempt-functions.ts';
import type { PtRegs } from '../kernel/pt-regs.ts';
import type { RedirectSource } from '../kernel/redirect-source.ts';
import type { UserC } from '../user-c/user-c.ts';
import type { WhereProgram } from '../where/compile-where.ts';
import type { UnitKind } from './unit-kind.ts';
import type { MetadataMatches } from './metadata.ts';
import type { RuleInput } from './rules.ts';
import type { WhoWants } from './who.ts';

/** All that the C of a capture depends on. */
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
