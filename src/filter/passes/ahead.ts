import type { FilterIr, IndexedLoad, IrInsn } from '../ir.ts';
import { forward, writesX } from '../ir.ts';
import { LONG_BLOCKS, WORD } from './words.ts';

/** No bytes are loaded; else X + the number is where they begin. */
const NONE = -1;

const join = (left: number, right: number): number => (left === right ? left : NONE);

/**
 * Says of loads at X + k which follow another at the same X, as the two ports of TCP and UDP do: where a load is dear, both come
 * of one. The bytes behind those that the guards have shown are not looked at before a guard has shown them too.
 */
export function ahead(ir: FilterIr): FilterIr {
  if (ir.blocks.length > LONG_BLOCKS) return ir;
  const places = ir.blocks.flatMap(({ insns }) => insns.filter(isBounded));
  return forward(ir, NONE, join, (block, before) => {
    let loaded = before;
    const insns = block.insns.map((insn): IrInsn => {
      if (writesX(insn)) loaded = NONE;
      if (!isBounded(insn)) return insn;
      if (loaded !== NONE && isInside(insn, loaded)) {
        return { ...insn, ahead: { from: loaded, loads: false } };
      }
      const { k } = insn;
      if (!places.some((place) => place.k !== k && isInside(place, k))) return insn;
      loaded = k;
      return { ...insn, ahead: { from: k, loads: true } };
    });
    return { block: { ...block, insns }, after: loaded };
  });
}

const isBounded = (insn: IrInsn): insn is IndexedLoad =>
  insn.op === 'ld-ind' && insn.index !== undefined;

const isInside = ({ k, size }: IndexedLoad, from: number): boolean =>
  k >= from && k + size <= from + WORD;
