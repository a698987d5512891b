import type { CbpfInsn } from './insn.ts';
import { FIRST_NEGATIVE, MEM_WORDS, SKF_AD_OFF } from './opcodes.ts';
import { ProgramError } from './program-error.ts';

const ANY_CELL = (1 << MEM_WORDS) - 1;

/**
 * The checks of the kernel's bpf_check_classic() and check_load_and_stores() (net/core/filter.c):
 * jumps go forward and stay inside, the end is a return, constants are in range, and no cell of M[]
 * is read before every path to it has written it. Beyond them, loads of things that are not packet
 * bytes are refused.
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
    refuseBackwardJump(insn);
    refuseMetadata(insn);
  });
  checkCells(program);
}

function faultOf(insn: CbpfInsn, index: number, length: number): string | undefined {
  switch (insn.op) {
    case 'ja':
      if (insn.k >= FIRST_NEGATIVE) return undefined;
      return index + 1 + insn.k >= length ? 'jumps out of the program' : undefined;
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

/** libpcap loops over a chain of headers with a jump back, which no kernel takes as cBPF either. */
function refuseBackwardJump(insn: CbpfInsn): void {
  if (insn.op !== 'ja' || insn.k < FIRST_NEGATIVE) return;
  throw new ProgramError(
    'compiling the filter: protochain: needs a loop over the header chain, which is not supported yet',
    ['protochain'],
  );
}

const METADATA: ReadonlyMap<number, readonly [string, readonly string[]]> = new Map([
  [SKF_AD_OFF + 4, ["the packet's direction", ['inbound', 'outbound']]],
  [SKF_AD_OFF + 8, ["the device's index", ['ifindex']]],
  [SKF_AD_OFF + 44, ['the offloaded VLAN tag', ['vlan']]],
  [SKF_AD_OFF + 48, ['the offloaded VLAN tag', ['vlan']]],
]);

function refuseMetadata(insn: CbpfInsn): void {
  if (insn.op !== 'ld-abs' && insn.op !== 'ldx-msh' && insn.op !== 'ld-ind') return;
  if (insn.k < FIRST_NEGATIVE) return;
  // X + k wraps at 32 bits, so a large k beside X is arithmetic: `ip[0 - 1]` and the like.
  if (insn.op === 'ld-ind') return;
  const known = METADATA.get(insn.k);
  if (known === undefined) {
    throw new ProgramError(`compiling the filter: offset ${insn.k | 0}: lies before the packet`);
  }
  const [what, keywords] = known;
  throw new ProgramError(
    `compiling the filter: ${keywords.join('/')}: asks for ${what}, ` +
      'which is not in the packet and not supported yet',
    keywords,
  );
}

function checkCells(program: readonly CbpfInsn[]): void {
  const onJump = new Array<number>(program.length).fill(ANY_CELL);
  const meet = (target: number, written: number): void => {
    onJump[target] = (onJump[target] ?? ANY_CELL) & written;
  };
  let written = 0;
  program.forEach((insn, index) => {
    written &= onJump[index] ?? ANY_CELL;
    if (insn.op === 'st-mem') written |= 1 << insn.slot;
    else if (insn.op === 'ld-mem' && (written & (1 << insn.slot)) === 0) {
      throw new ProgramError(
        `checking cBPF: instruction ${index}: reads M[${insn.slot}] before it is written`,
      );
    } else if (insn.op === 'ja') meet(index + 1 + insn.k, written);
    else if (insn.op === 'jump') {
      meet(index + 1 + insn.jt, written);
      meet(index + 1 + insn.jf, written);
    }
    // What follows one of these is reached by jumps only.
    if (insn.op === 'ja' || insn.op === 'jump' || insn.op === 'ret') written = ANY_CELL;
  });
}
