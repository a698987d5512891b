import type { Btf } from '../btf/btf.ts';
import { memberPath } from '../btf/members.ts';
import { UnsupportedError, UsageError } from '../errors.ts';
import {
  BPF_PROG_TYPE,
  findProgram,
  type BpfPrograms,
  type ProgramKind,
} from '../kernel/bpf-programs.ts';
import type { FunctionKernel } from './function-facts.ts';
import type { Carrier, HookArguments, ResolvedHook } from './resolved.ts';
import type { ReturnType } from './return-type.ts';
import type { ProgramSpec } from './spec.ts';
import { attachedToProgram } from './xdp.ts';

/** What programs of a type are called, and what they return. */
interface SkbProgramType {
  readonly name: string;
  readonly returns: ReturnType;
}

const named = (names: Readonly<Record<number, string>>): ReturnType => ({
  kind: 'enum',
  bits: 32,
  names: new Map(Object.entries(names).map(([value, name]) => [BigInt(value), name])),
});

const TC = { kind: 'verdict', by: 'tc' } as const;
/** enum bpf_ret_code, include/uapi/linux/bpf.h. */
const DISSECTOR = named({ 0: 'BPF_OK', 2: 'BPF_DROP', 129: 'BPF_FLOW_DISSECTOR_CONTINUE' });
const LWT = named({ 0: 'BPF_OK', 2: 'BPF_DROP', 7: 'BPF_REDIRECT', 128: 'BPF_LWT_REROUTE' });
/** BPF_PROG_CGROUP_INET_EGRESS_RUN_ARRAY(), include/linux/bpf-cgroup.h: bit 1 notifies of congestion. */
const CGROUP = named({ 0: 'drop', 1: 'allow', 2: 'drop|congestion', 3: 'allow|congestion' });

/** The types of programs whose context is an sk_buff, or leads to one: include/linux/bpf_types.h. */
const SKB_PROGRAMS: ReadonlyMap<number, SkbProgramType> = new Map([
  // Bytes of the packet to keep.
  [
    BPF_PROG_TYPE.socketFilter,
    { name: 'socket filter', returns: { kind: 'unsigned', bits: 32 } as const },
  ],
  [BPF_PROG_TYPE.schedCls, { name: 'tc program', returns: TC }],
  [BPF_PROG_TYPE.schedAct, { name: 'tc action', returns: TC }],
  [BPF_PROG_TYPE.cgroupSkb, { name: 'cgroup program', returns: CGROUP }],
  [BPF_PROG_TYPE.lwtIn, { name: 'route program', returns: LWT }],
  [BPF_PROG_TYPE.lwtOut, { name: 'route program', returns: LWT }],
  [BPF_PROG_TYPE.lwtXmit, { name: 'route program', returns: LWT }],
  [BPF_PROG_TYPE.lwtSeg6local, { name: 'route program', returns: LWT }],
  [BPF_PROG_TYPE.flowDissector, { name: 'flow dissector', returns: DISSECTOR }],
  // A parser's length, or a verdict: the type does not tell.
  [BPF_PROG_TYPE.skSkb, { name: 'socket map program', returns: { kind: 'signed', bits: 32 } }],
]);

const SKB_PROGRAM: ProgramKind = {
  ...{ types: [...SKB_PROGRAMS.keys()], kind: 'program that is given sk_buffs', prefix: 'bpf:' },
  ...{ missing: 'no program that is given sk_buffs is', list: 'bpftool prog list' },
};

const CONTEXT: Carrier = {
  ...{ kind: 'skb', slot: 0, typed: true, number: 1, name: 'ctx', offset: 0 },
  struct: 'sk_buff',
};

/**
 * One end of the runs of a loaded program whose context is an sk_buff, wherever it is attached.
 *
 * @throws UsageError, UnsupportedError, PermissionError
 */
export function resolveProgram(
  spec: ProgramSpec & { readonly id: string },
  { btf, features }: Pick<FunctionKernel, 'btf' | 'features'>,
  programs: BpfPrograms,
): ResolvedHook {
  const doing = `choosing hooks: ${spec.id}`;
  refuseOthers(spec.of, doing, programs);
  const program = findProgram(programs, spec.of, doing, SKB_PROGRAM);
  if (program.functionId === undefined) {
    throw new UnsupportedError(`${doing}: program ${program.id} (${program.name}) has no BTF`, {
      hint: 'compile it with -g (clang)',
    });
  }
  const type = SKB_PROGRAMS.get(program.type);
  const atEntry = spec.end === 'entry';
  return {
    ...{ id: spec.id, pattern: undefined, module: undefined, cookie: false, addresses: [] },
    subject: `packets ${atEntry ? 'to' : 'from'} ${type?.name ?? 'program'}`,
    backend: atEntry ? 'fentry' : 'fexit',
    arguments:
      program.type === BPF_PROG_TYPE.flowDissector
        ? dissected(btf, doing)
        : {
            // Its declared type does not matter where a helper gives the context.
            carrier: { ...CONTEXT, typed: !features.has('get-func-arg') },
            certain: true,
          },
    ...{ direction: undefined, hasLocation: false, atData: false, destructor: undefined },
    returns: atEntry ? undefined : type?.returns,
    ...attachedToProgram(program, spec.id),
    xdp: {
      of: `bpf:${program.id}`,
      ...{ pair: undefined, device: undefined, ranProgram: undefined },
    },
  };
}

/** Of programs by id that have another context, what to do instead. */
function refuseOthers(of: string, doing: string, programs: BpfPrograms): void {
  const found = /^\d+$/.test(of) ? programs.byId(Number(of)) : undefined;
  if (found?.type === BPF_PROG_TYPE.xdp) {
    throw new UsageError(`${doing}: program ${of} (${found.name}) is an XDP program`, {
      hint: `xdp:${of}`,
    });
  }
}

/** The context of a flow dissector: headers are dissected before there is an sk_buff, too. */
function dissected(btf: Btf, doing: string): HookArguments {
  const struct = 'bpf_flow_dissector';
  const offset = memberPath(btf, struct, 'skb')?.offsetBytes;
  if (offset === undefined) {
    throw new UnsupportedError(`${doing}: this kernel's BTF does not tell where its packet is`, {
      hint: 'hook a function that is given the packet: __skb_flow_dissect',
    });
  }
  return {
    carrier: { ...CONTEXT, kind: 'skb-member', typed: false, offset, struct },
    certain: false,
  };
}
