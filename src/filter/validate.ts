import type { CbpfInsn } from './insn.ts';
import { jaTarget } from './insn.ts';
import { extensionName, isForeignExtension } from './meta.ts';
import { MEM_WORDS } from './opcodes.ts';
import { ProgramError } from './program-error.ts';

const ANY_CELL = (1 << MEM_WORDS) - 1;

/**
 * The checks of the kernel's bpf_check_classic() and check_load_and_stores() (net/core/filter.c):
 * jumps stay inside (back is allowed to `ja` only, as libpcap needs it), the end is a return, constants are in range, and no cell of M[]
 * is read before every path to it has written it. A load before the packet is let through: it
 * rejects, as in libpcap, where the kernel refuses the program.
 *
 * @throws ProgramError
 */
export function validate(program: readonly CbpfInsn[]): void {
  if (program.at(-1)?.op !== 'ret') {
    throw new ProgramError('checking cBPF: the program: does not end in a return');
  }
  program.forEach((insn, index) => {
    const why = faultOf(insn, index, program.length);
    if (why !== undefined) throw new ProgramError(`checking cBPF: instruction ${index}: ${why}`);
    refuseForeignExtension(insn);
  });
  checkCells(program);
}

function faultOf(insn: CbpfInsn, index: number, length: number): string | undefined {
  switch (insn.op) {
    case 'ja':
      return jaTarget(insn, index) < 0 || jaTarget(insn, index) >= length
        ? 'jumps out of the program'
        : undefined;
    case 'jump':
      return index + 1 + Math.max(insn.jt, insn.jf) >= length
        ? 'jumps out of the program'
        : undefined;
    case 'ld-mem':
    case 'st-mem':
      return insn.slot >= MEM_WORDS ? `M[${insn.slot}] does not exist` : undefined;
    case 'alu':
      if (insn.operand.kind === 'x') return undefined;
      if ((insn.alu === 'div' || insn.alu === 'mod') && insn.operand.k === 0)
        return 'divides by zero';
      if ((insn.alu === 'lsh' || insn.alu === 'rsh') && insn.operand.k > 31)
        return `shifts by ${insn.operand.k}`;
      return undefined;
    default:
      return undefined;
  }
}

/** Netlink attributes, the payload's offset and `A ^= X`: no expression asks for them. */
function refuseForeignExtension(insn: CbpfInsn): void {
  if (insn.op !== 'ld-abs' || !isForeignExtension(insn.k)) return;
  const name = extensionName(insn.k) ?? '';
  throw new ProgramError(`compiling the filter: Linux extension ${name}: not supported`);
}

function checkCells(program: readonly CbpfInsn[]): void {
  const onJump = new Array<number>(program.length).fill(ANY_CELL);
  // Once, but for a jump back: what it brings is seen by the next round.
  let before: string;
  do {
    before = onJump.join();
    if (!followCells(program, onJump)) return;
  } while (onJump.join() !== before);
}

/** @returns whether some jump goes back */
function followCells(program: readonly CbpfInsn[], onJump: number[]): boolean {
  const meet = (target: number, cells: number): void => {
    onJump[target] = (onJump[target] ?? ANY_CELL) & cells;
  };
  let hadLoop = false;
  let written = 0;
  program.forEach((insn, index) => {
    written &= onJump[index] ?? ANY_CELL;
    if (insn.op === 'st-mem') written |= 1 << insn.slot;
    else if (insn.op === 'ld-mem' && (written & (1 << insn.slot)) === 0) {
      throw new ProgramError(
        `checking cBPF: instruction ${index}: reads M[${insn.slot}] before it is written`,
      );
    } else if (insn.op === 'ja') {
      meet(jaTarget(insn, index), written);
      hadLoop ||= jaTarget(insn, index) <= index;
    } else if (insn.op === 'jump') {
      meet(index + 1 + insn.jt, written);
      meet(index + 1 + insn.jf, written);
    }
    // What follows one of these is reached by jumps only.
    if (insn.op === 'ja' || insn.op === 'jump' || insn.op === 'ret') written = ANY_CELL;
  });
  return hadLoop;
}
