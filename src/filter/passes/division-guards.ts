import type { FilterIr, IrInsn } from '../ir.ts';

/** A division by an X of zero rejects: puts a guard before each division by X. */
export function divisionGuards(ir: FilterIr): FilterIr {
  return {
    blocks: ir.blocks.map((block) => ({ ...block, insns: block.insns.flatMap(guarded) })),
  };
}

function guarded(insn: IrInsn): readonly IrInsn[] {
  if (insn.op !== 'alu' || insn.operand.kind !== 'x') return [insn];
  return insn.alu === 'div' || insn.alu === 'mod' ? [{ op: 'guard-divisor' }, insn] : [insn];
}
