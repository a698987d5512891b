import type { Btf } from '../btf/btf.ts';
import { memberPath } from '../btf/members.ts';

/** Where a kprobe finds the arguments of a function that was just entered. */
export interface PtRegs {
  /** Offsets in struct pt_regs of the argument registers, in the order of the arguments. */
  readonly argumentOffsets: readonly number[];
  /** Offset of the register that a function returns its value in. */
  readonly returnOffset: number;
  /** Offset of the stack pointer. */
  readonly stackOffset: number;
  /** By how much the stack pointer is higher after the return than at the entry: the return address. */
  readonly poppedByReturn: number;
}

/** System V ABI of x86-64, 3.2.3; the kernel's names of the registers. */
const X86_64 = ['di', 'si', 'dx', 'cx', 'r8', 'r9'];
/** Procedure call standard of arm64: x0 to x7, the first members of struct user_pt_regs. */
const ARM64_REGISTERS = 8;
const ARM64_SP = 31;

/** Undefined on an architecture whose calls are not known here. */
export function argumentRegisters(btf: Btf, arch: string): PtRegs | undefined {
  if (arch === 'arm64') {
    const argumentOffsets = Array.from({ length: ARM64_REGISTERS }, (_, i) => i * 8);
    return { argumentOffsets, returnOffset: 0, stackOffset: ARM64_SP * 8, poppedByReturn: 0 };
  }
  if (arch !== 'x64') return undefined;
  const offsetOf = (name: string): number | undefined =>
    memberPath(btf, 'pt_regs', name)?.offsetBytes;
  const argumentOffsets = X86_64.map(offsetOf).filter((offset) => offset !== undefined);
  const [returnOffset, stackOffset] = [offsetOf('ax'), offsetOf('sp')];
  if (argumentOffsets.length < X86_64.length) return undefined;
  if (returnOffset === undefined || stackOffset === undefined) return undefined;
  return { argumentOffsets, returnOffset, stackOffset, poppedByReturn: 8 };
}
