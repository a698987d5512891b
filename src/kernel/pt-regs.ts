import type { Btf } from '../btf/btf.ts';
import { memberPath } from '../btf/members.ts';

/** Where a kprobe finds the arguments of a function that was just entered. */
export interface PtRegs {
  /** Offsets in struct pt_regs of the argument registers, in the order of the arguments. */
  readonly argumentOffsets: readonly number[];
}

/** System V ABI of x86-64, 3.2.3; the kernel's names of the registers. */
const X86_64 = ['di', 'si', 'dx', 'cx', 'r8', 'r9'];
/** Procedure call standard of arm64: x0 to x7, the first members of struct user_pt_regs. */
const ARM64_REGISTERS = 8;

/** Undefined on an architecture whose calls are not known here. */
export function argumentRegisters(btf: Btf, arch: string): PtRegs | undefined {
  if (arch === 'arm64') {
    const argumentOffsets = Array.from({ length: ARM64_REGISTERS }, (_, i) => i * 8);
    return { argumentOffsets };
  }
  if (arch !== 'x64') return undefined;
  const offsets = X86_64.map((name) => memberPath(btf, 'pt_regs', name)?.offsetBytes);
  const known = offsets.filter((offset) => offset !== undefined);
  return known.length === X86_64.length ? { argumentOffsets: known } : undefined;
}
