import { UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';

/** enum bpf_prog_type, include/uapi/linux/bpf.h: those that hooks are on. */
export const BPF_PROG_TYPE = {
  ...{ socketFilter: 1, schedCls: 3, schedAct: 4, xdp: 6, cgroupSkb: 8 },
  ...{ lwtIn: 10, lwtOut: 11, lwtXmit: 12, skSkb: 14, lwtSeg6local: 19, flowDissector: 22 },
} as const;

/** What a hook's program has to be. */
export interface ProgramKind {
  /** enum bpf_prog_type: any of these. */
  readonly types: readonly number[];
  /** What such programs are called: `XDP program`. */
  readonly kind: string;
  /** Before the id in a hook's name: `xdp:`. */
  readonly prefix: string;
  /** What there is none of, of an unknown name. */
  readonly missing: string;
  /** How to see which there are. */
  readonly list: string;
}

/** A BPF program that somebody loaded. */
export interface BpfProgramFacts {
  readonly id: number;
  /** enum bpf_prog_type. */
  readonly type: number;
  /** The whole name of its entry function where it has BTF; the kernel keeps 15 characters only. */
  readonly name: string;
  /**
   * Its entry function in its own BTF: what fentry and fexit programs on it attach to; undefined for
   * a program without BTF.
   */
  readonly functionId: number | undefined;
}

/** Asks the kernel for its BPF programs. @throws PermissionError, SystemError */
export interface BpfPrograms {
  /** Undefined when there is none of that number (any more). */
  byId(id: number): BpfProgramFacts | undefined;
  /** All of these types, by id. */
  ofType(...types: readonly number[]): readonly BpfProgramFacts[];
}

/** What the kernel keeps of a name: BPF_OBJ_NAME_LEN less its NUL. */
export const SHORT_NAME = 15;

/**
 * The program that a number or a name means: the whole name, or the 15 characters that the kernel and
 * bpftool show.
 *
 * @throws UsageError, PermissionError
 */
export function findProgram(
  programs: BpfPrograms,
  text: string,
  doing: string,
  { types, kind, prefix, missing, list }: ProgramKind,
): BpfProgramFacts {
  if (/^\d+$/.test(text)) {
    const found = programs.byId(Number(text));
    if (found === undefined) {
      throw new UsageError(`${doing}: no BPF program has the id ${text}`, {
        hint: `bpftool prog list shows them, ${list} what can be hooked`,
      });
    }
    if (types.includes(found.type)) return found;
    throw new UsageError(`${doing}: program ${text} (${found.name}) is no ${kind}`, {
      hint: `bpftool prog show id ${text} tells what it is`,
    });
  }
  const all = programs.ofType(...types);
  const whole = all.filter(({ name }) => name === text);
  const found = whole.length > 0 ? whole : all.filter(({ name }) => isCut(name, text));
  const [first, second] = found;
  if (first === undefined) {
    const near = nearest(
      text,
      all.map(({ name }) => name),
    );
    throw new UsageError(`${doing}: ${missing} of that name`, {
      hint: `${near.length > 0 ? `did you mean ${near.join(' or ')}? ` : ''}${list} lists them`,
    });
  }
  if (second === undefined) return first;
  throw new UsageError(
    `${doing}: ${found.length} programs have that name: ${found.map(({ id, name }) => `${id} (${name})`).join(', ')}`,
    { hint: `name one by its id: ${prefix}${first.id}` },
  );
}

const isCut = (name: string, text: string): boolean =>
  text.length === SHORT_NAME && name.length > SHORT_NAME && name.startsWith(text);
