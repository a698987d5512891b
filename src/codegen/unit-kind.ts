import { hookIds, type ResolvedHook } from '../hooks/resolved.ts';
import type { Backend } from '../hooks/spec.ts';
import type { PtRegs } from '../kernel/pt-regs.ts';

/**
 * Hooks whose programs are of one C text: they get at their arguments, and may read the kernel's
 * memory, in the same way. `fentry-any` takes arguments that the verifier knows no type of, `program` what it knows to be
 * pointers: a BPF program's context.
 */
export type UnitKind = Exclude<Backend, 'fexit' | 'kretprobe'> | 'fentry-any' | 'program';

export function unitKind({ backend, arguments: of, program, returnSlot }: ResolvedHook): UnitKind {
  const { carrier } = of;
  switch (backend) {
    // What sends an event at the return is in the text of what captured it.
    case 'fentry':
    case 'fexit':
      if (carrier.typed) return 'fentry';
      if (carrier.kind === 'xsk' && returnSlot !== undefined) return 'program';
      // A program's sk_buff is asked for by the helper wherever it is not typed.
      return program === undefined || carrier.kind === 'skb' ? 'fentry-any' : 'program';
    case 'kretprobe':
      return 'kprobe';
    default:
      return backend;
  }
}

/** The verifier knows the types of the arguments, and of what they lead to. */
export function isTyped(kind: UnitKind): boolean {
  return kind === 'tp-btf' || kind === 'fentry';
}

/** Programs of the kind may call the helpers that tell the running task. */
export function hasTaskHelpers(kind: UnitKind): boolean {
  return kind !== 'xdp';
}

/** Programs of the kind may ask for their kernel stack. */
export function hasStackHelper(kind: UnitKind): boolean {
  return kind !== 'xdp';
}

/** That stack begins in the program itself; a kprobe's begins where it hit. */
export function startsInOwnFrame(kind: UnitKind): boolean {
  return kind !== 'kprobe' && kind !== 'kprobe-multi';
}

/**
 * None of these programs counts where another does, and the kernel lets none into a processor where it runs already:
 * all but XDP programs from 6.1 on (commit 05b24ff9b2cf, "bpf: Prevent bpf program recursion for raw tracepoint probes").
 *
 * @param all hooks of the run
 * @param casts the kernel is younger than that: bpf_rdonly_cast() came with 6.2
 */
export function countsAlone(all: readonly ResolvedHook[], kind: UnitKind, casts: boolean): boolean {
  if (!casts || kind === 'xdp' || kind === 'program') return false;
  // A BPF program's successor is hooked under the same number, beside it.
  const shared = all.some((hook) => (hook.part ?? hook.xdp ?? hook.program) !== undefined);
  return !shared && hookIds(all).length === all.length;
}

/** The C of argument word `slot`. */
export function emitArgument(kind: UnitKind, slot: number, regs: PtRegs | undefined): string {
  const word = argumentWord(kind, slot, regs);
  return argumentsByHelper(kind) ? `xcap_func_arg(ctx, ${word})` : `ctx[${word}]`;
}

/** Arguments are asked for by a helper: their context has a layout that only the verifier knows. */
export const argumentsByHelper = (kind: UnitKind): boolean => kind === 'fentry-any';

/** Where argument word `slot` is in the context, or which one it is to the helper. */
export function argumentWord(kind: UnitKind, slot: number, regs: PtRegs | undefined): number {
  switch (kind) {
    case 'tp-btf':
    case 'raw-tp':
    case 'fentry':
    case 'program':
    case 'fentry-any':
      return slot;
    case 'xdp':
      throw new RangeError('an XDP program has no arguments');
    case 'kprobe':
    case 'kprobe-multi': {
      const offset = regs?.argumentOffsets[slot];
      if (offset === undefined) throw new RangeError(`argument ${slot} is in no register`);
      return offset / 8;
    }
  }
}
