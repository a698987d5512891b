import type { CbpfInsn, PlainInsn } from '../insn.ts';
import { jaTarget } from '../insn.ts';
import type { Block, FilterIr, IrInsn, Terminator } from '../ir.ts';
import { successors } from '../ir.ts';
import { metaField } from '../meta.ts';
import { unrollLoops } from './unroll.ts';

/**
 * Splits a validated program into basic blocks, loops being unrolled; what no path reaches is left
 * out.
 */
export function splitBlocks(program: readonly CbpfInsn[]): FilterIr {
  const leaders = findLeaders(program);
  const blocks = [...leaders].sort((a, b) => a - b).map((id) => readBlock(program, id, leaders));
  return { blocks: keepReached(unrollLoops(blocks, program.length)) };
}

function findLeaders(program: readonly CbpfInsn[]): ReadonlySet<number> {
  const leaders = new Set([0]);
  program.forEach((insn, index) => {
    if (insn.op === 'ja') leaders.add(jaTarget(insn, index));
    else if (insn.op === 'jump') leaders.add(index + 1 + insn.jt).add(index + 1 + insn.jf);
    else return;
    leaders.add(index + 1);
  });
  return leaders;
}

function readBlock(program: readonly CbpfInsn[], id: number, leaders: ReadonlySet<number>): Block {
  const insns: IrInsn[] = [];
  for (let index = id; ; index += 1) {
    const insn = program[index];
    if (insn === undefined) throw new RangeError(`cBPF runs past its end: ${index}`);
    if (index > id && leaders.has(index)) return { id, insns, end: { op: 'goto', to: index } };
    if (insn.op === 'ja' || insn.op === 'jump' || insn.op === 'ret') {
      return { id, insns, end: terminator(insn, index) };
    }
    insns.push(translate(insn));
  }
}

function translate(insn: PlainInsn): IrInsn {
  const field = insn.op === 'ld-abs' ? metaField(insn.k) : undefined;
  return field === undefined ? insn : { op: 'ld-meta', field };
}

function terminator(
  insn: Extract<CbpfInsn, { op: 'ja' | 'jump' | 'ret' }>,
  index: number,
): Terminator {
  if (insn.op === 'ret') return insn;
  if (insn.op === 'ja') return { op: 'goto', to: jaTarget(insn, index) };
  const whenTrue = index + 1 + insn.jt;
  const whenFalse = index + 1 + insn.jf;
  if (whenTrue === whenFalse) return { op: 'goto', to: whenTrue };
  return { op: 'branch', test: insn.test, operand: insn.operand, whenTrue, whenFalse };
}

/** Jumps go forward only, so one walk in program order sees every block after those before it. */
export function keepReached(blocks: readonly Block[]): readonly Block[] {
  const reached = new Set([blocks[0]?.id]);
  return blocks.filter((block) => {
    if (!reached.has(block.id)) return false;
    for (const id of successors(block)) reached.add(id);
    return true;
  });
}
