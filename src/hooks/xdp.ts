import { funcProto } from '../btf/functions.ts';
import { memberPath } from '../btf/members.ts';
import { UnsupportedError, UsageError } from '../errors.ts';
import {
  BPF_PROG_TYPE,
  findProgram,
  type BpfProgramFacts,
  type BpfPrograms,
  type ProgramKind,
} from '../kernel/bpf-programs.ts';
import type { FindXdpDevice, XdpDevice } from '../kernel/xdp-devices.ts';
import type { FunctionKernel } from './function-facts.ts';
import type { Carrier, ResolvedHook, XdpRuns } from './resolved.ts';
import type { XdpSpec } from './spec.ts';

/** What there is on this machine that XDP hooks can be of. */
export interface XdpSurroundings {
  readonly programs: BpfPrograms;
  readonly findDevice: FindXdpDevice;
  /** A device without a program will get one: a dry run of --load-pass. */
  readonly assumeProgram: boolean;
}

/** Every XDP program is called through it, with its packet, its instructions and its code. */
const DISPATCHER = 'bpf_dispatcher_xdp_func';

const CONTEXT: Carrier = {
  ...{ kind: 'xdp', slot: 0, typed: false, number: 1, name: 'ctx', offset: 0 },
  struct: 'xdp_buff',
};

const XDP_PROGRAM: ProgramKind = {
  ...{ types: [BPF_PROG_TYPE.xdp], kind: 'XDP program', prefix: 'xdp:' },
  ...{ missing: 'no device and no XDP program', list: "xcap hooks 'xdp:*'" },
};

/** Whom a hook is of. */
type XdpSubject =
  | { readonly kind: 'device'; readonly device: XdpDevice }
  | { readonly kind: 'program'; readonly program: BpfProgramFacts };

/**
 * One end of the runs of a device's XDP program, or of a program wherever it runs: a device goes before
 * a program of that name. Where the kernel has one place that all of them come by it is hooked, else
 * the programs themselves.
 *
 * @throws UsageError, UnsupportedError, PermissionError
 */
export function resolveXdp(
  spec: XdpSpec & { readonly id: string },
  kernel: Pick<FunctionKernel, 'btf' | 'features'>,
  surroundings: XdpSurroundings,
): readonly ResolvedHook[] {
  const subject = findSubject(spec, surroundings);
  const backend = spec.end === 'entry' ? 'fentry' : 'fexit';
  const hook = {
    ...({ id: spec.id, pattern: undefined, backend, module: undefined } as const),
    subject: `packets ${spec.end === 'entry' ? 'to' : 'from'} ${subjectName(spec, subject)}`,
    ...{ cookie: false, addresses: [] },
    arguments: { carrier: CONTEXT, certain: true },
    ...({
      direction: 'inbound',
      hasLocation: false,
      atData: false,
      destructor: undefined,
    } as const),
    returns: spec.end === 'exit' ? ({ kind: 'verdict', by: 'xdp' } as const) : undefined,
  };
  const runs: XdpRuns = {
    ...{ of: spec.of, pair: undefined, ranProgram: undefined },
    device: subject.kind === 'device' ? subject.device : undefined,
  };
  const insnsOffset = dispatcherInsns(kernel);
  if (insnsOffset !== undefined) {
    const id = subject.kind === 'program' ? subject.program.id : undefined;
    return [
      {
        ...hook,
        ...{ target: DISPATCHER, place: DISPATCHER },
        attachBtfId: funcProto(kernel.btf, DISPATCHER)?.id ?? 0,
        xdp: { ...runs, ranProgram: { insnsOffset, id } },
      },
    ];
  }
  return subjectPrograms(spec, subject, surroundings).map((program) => ({
    ...hook,
    ...attachedToProgram(program, spec.id),
    xdp: runs,
  }));
}

/** The hook of another program that has come in the place of the one that `hook` is attached to. */
export function moveToProgram(hook: ResolvedHook, program: BpfProgramFacts): ResolvedHook {
  return { ...hook, ...attachedToProgram(program, hook.id) };
}

/** @throws UnsupportedError for a program that nothing can be attached to */
export function attachedToProgram(
  { id, name, functionId }: BpfProgramFacts,
  hook: string,
): Pick<ResolvedHook, 'target' | 'place' | 'attachBtfId' | 'program'> {
  if (functionId === undefined) {
    throw new UnsupportedError(`hooking ${hook}: program ${id} (${name}) has no BTF`, {
      hint: 'compile it with -g (clang), or hook the map that it calls into, if it has one: xdpmap:PATH',
    });
  }
  return {
    ...{ target: name, place: `program ${id} (${name})`, attachBtfId: functionId },
    program: { id, name },
  };
}

function findSubject(spec: XdpSpec & { readonly id: string }, from: XdpSurroundings): XdpSubject {
  const doing = `choosing hooks: ${spec.id}`;
  const isNumber = /^\d+$/.test(spec.of);
  const device = isNumber ? undefined : from.findDevice(spec.of);
  if (device === undefined) {
    return { kind: 'program', program: findProgram(from.programs, spec.of, doing, XDP_PROGRAM) };
  }
  if (device.programs.length === 0 && !from.assumeProgram) {
    throw new UsageError(`${doing}: ${spec.of} has no XDP program`, {
      hint: '--load-pass puts one there that passes everything, for as long as xcap runs',
    });
  }
  return { kind: 'device', device };
}

function subjectName({ of }: XdpSpec, subject: XdpSubject): string {
  if (subject.kind === 'device') return `the XDP program of ${of}`;
  return `XDP program ${subject.program.id} (${subject.program.name})`;
}

function subjectPrograms(
  { id }: XdpSpec & { readonly id: string },
  subject: XdpSubject,
  { programs, assumeProgram }: XdpSurroundings,
): readonly BpfProgramFacts[] {
  if (subject.kind === 'program') return [subject.program];
  const found = subject.device.programs.flatMap((each) => programs.byId(each) ?? []);
  if (found.length > 0) return found;
  if (assumeProgram) return [{ id: 0, type: BPF_PROG_TYPE.xdp, name: 'xcap_pass', functionId: 1 }];
  throw new UnsupportedError(`choosing hooks: ${id}: the device's program is gone`, {
    hint: 'try again: somebody is replacing it',
  });
}

/**
 * How far a program's instructions, which the dispatcher is given, are from its start; undefined where
 * the dispatcher cannot be hooked.
 */
function dispatcherInsns({
  btf,
  features,
}: Pick<FunctionKernel, 'btf' | 'features'>): number | undefined {
  if (!features.has('xdp-dispatcher')) return undefined;
  return memberPath(btf, 'bpf_prog', 'insnsi')?.offsetBytes;
}

/** Numbers the pairs that hooks at both ends of the same runs make. */
export function pairXdpHooks(hooks: readonly ResolvedHook[]): readonly ResolvedHook[] {
  const ends = new Map<string, Set<string>>();
  for (const { xdp, backend } of hooks) {
    if (xdp !== undefined) ends.set(xdp.of, (ends.get(xdp.of) ?? new Set()).add(backend));
  }
  const paired = [...ends].filter(([, backends]) => backends.size > 1).map(([of]) => of);
  if (paired.length === 0) return hooks;
  return hooks.map((hook) => {
    const pair = hook.xdp === undefined ? -1 : paired.indexOf(hook.xdp.of);
    return hook.xdp === undefined || pair < 0 ? hook : { ...hook, xdp: { ...hook.xdp, pair } };
  });
}

/** How many pairs there are among them. */
export function countXdpPairs(hooks: readonly ResolvedHook[]): number {
  return 1 + Math.max(-1, ...hooks.map(({ xdp }) => xdp?.pair ?? -1));
}
