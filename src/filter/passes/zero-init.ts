import { assertNever } from '../../errors.ts';
import type { Operand } from '../insn.ts';
import type { Block, FilterIr, IrInsn } from '../ir.ts';
import { backward } from '../ir.ts';

interface Live {
  readonly a: boolean;
  readonly x: boolean;
}

/**
 * A and X start at zero (bpf_convert_filter(), net/core/filter.c): says so in the entry block where a
 * path reads one before it writes it. Cells of M[] need nothing, validate() refused such programs.
 */
export function zeroInit(ir: FilterIr): FilterIr {
  const live = backward<Live>(ir, liveAtStart);
  return {
    blocks: ir.blocks.map((block, index) => {
      if (index > 0) return block;
      const { a = false, x = false } = live.get(block.id) ?? {};
      const zeros: IrInsn[] = [];
      if (a) zeros.push({ op: 'ld-imm', to: 'a', k: 0 });
      if (x) zeros.push({ op: 'ld-imm', to: 'x', k: 0 });
      return { ...block, insns: [...zeros, ...block.insns] };
    }),
  };
}

function liveAtStart(block: Block, after: readonly Live[]): Live {
  let live: Live = { a: after.some(({ a }) => a), x: after.some(({ x }) => x) };
  if (block.end.op === 'branch') live = { a: true, x: live.x || readsX(block.end.operand) };
  if (block.end.op === 'ret') live = { a: block.end.value.kind === 'a', x: false };
  for (const insn of block.insns.toReversed()) live = liveBefore(insn, live);
  return live;
}

const readsX = (operand: Operand): boolean => operand.kind === 'x';

function liveBefore(insn: IrInsn, { a, x }: Live): Live {
  switch (insn.op) {
    case 'ld-abs':
    case 'ld-meta':
      return { a: false, x };
    case 'ld-ind':
      return { a: false, x: true };
    case 'ldx-msh':
      return { a, x: false };
    case 'ld-len':
    case 'ld-imm':
    case 'ld-mem':
      return insn.to === 'a' ? { a: false, x } : { a, x: false };
    case 'st-mem':
      return insn.from === 'a' ? { a: true, x } : { a, x: true };
    case 'alu':
      return { a: true, x: x || readsX(insn.operand) };
    case 'neg':
      return { a: true, x };
    case 'tax':
      return { a: true, x: false };
    case 'txa':
      return { a: false, x: true };
    case 'guard-index':
    case 'guard-divisor':
      return { a, x: true };
    case 'guard-packet':
      return { a, x };
    default:
      return assertNever(insn);
  }
}
