import type { FilterIr, IrInsn } from './ir.ts';
import { backward } from './ir.ts';
import { leavesWindow } from './emit-load.ts';
import { accessOf, fitsWindow, type Window } from './window.ts';

/** What a filter reads of a packet where the verifier takes stack reads at variable offsets. */
export interface FilterCost {
  /** The bytes that are fetched at once, from byte `first` on; undefined: none. */
  readonly window: { readonly first: number; readonly bytes: number } | undefined;
  /** Most fetches from packet memory that one packet can cause, that of the window among them. */
  readonly worstReads: number;
  /** The same for verifiers before 5.12: indexed loads are fetched one by one there. */
  readonly worstReadsBefore512: number;
}

/** Counts fetches along the worst path; what an early rejection saves does not count. */
export function costOf(ir: FilterIr, window: Window | undefined): FilterCost {
  const worst = (isRead: (insn: IrInsn) => boolean, bytes: number): number => {
    const from = backward<number>(
      ir,
      (block, after) => block.insns.filter(isRead).length + Math.max(0, ...after),
    );
    return (bytes > 0 ? 1 : 0) + (from.get(ir.blocks[0]?.id ?? 0) ?? 0);
  };
  return {
    window:
      window === undefined || window.wide === 0
        ? undefined
        : { first: window.first, bytes: window.wide },
    worstReads: worst(isFetched, window?.wide ?? 0),
    worstReadsBefore512: worst(
      (insn) => insn.op === 'ld-ind' || isFetched(insn),
      window?.narrow ?? 0,
    ),
  };
}

function isFetched(insn: IrInsn): boolean {
  if (insn.op === 'ld-ind') return leavesWindow(insn);
  const access = accessOf(insn);
  return access !== undefined && !fitsWindow(access);
}
