import type { RawProgram } from './cbpf.ts';
import { costOf, type FilterCost } from './cost.ts';
import { decode } from './decode.ts';
import { emitC } from './emit-c.ts';
import { leavesWindow } from './emit-load.ts';
import { jaTarget } from './insn.ts';
import type { FilterIr } from './ir.ts';
import { splitBlocks } from './passes/blocks.ts';
import { ahead } from './passes/ahead.ts';
import { boundsGuards } from './passes/bounds-guards.ts';
import { divisionGuards } from './passes/division-guards.ts';
import { ranges } from './passes/ranges.ts';
import { words } from './passes/words.ts';
import { zeroInit } from './passes/zero-init.ts';
import { validate } from './validate.ts';
import { accessOf, endOf, fitsWindow, planWindow } from './window.ts';

/** A filter as C text; plain data. */
export interface CompiledFilter {
  /** The function's name: `static __always_inline u32 SYMBOL(struct xcap_pkt *p, u8 *w)`. */
  readonly symbol: string;
  readonly text: string;
  /** Bytes of the array `w` that the caller provides (a multiple of 8); 0: `w` is not used. */
  readonly windowBytes: number;
  /** Some load is fetched by itself: its place is unknown, or too far for the window. */
  readonly readsBeyondWindow: boolean;
  /** Bytes from the packet's start that can have a say; undefined when that has no bound. */
  readonly reachBytes: number | undefined;
  /** It follows a chain of headers; at most LOOP_BOUND of them, then it rejects. */
  readonly loops: boolean;
  readonly cost: FilterCost;
  /** The filter is constant: every packet, or none. */
  readonly constant: 'all' | 'none' | undefined;
}

/**
 * In this order. What the passes promise to the kernel's verifier and to C: no loops, no value is
 * read before it is written, no division by zero, no load of a byte at or beyond `p->linear` has a
 * say in the result, and every read of the stack is aligned and inside the fetched window.
 */
const PASSES: readonly ((ir: FilterIr) => FilterIr)[] = [
  zeroInit,
  ranges,
  divisionGuards,
  boundsGuards,
  words,
  ahead,
];

/**
 * Translates a cBPF program to C.
 *
 * @param options.symbol the function's name, an identifier of ours
 * @throws ProgramError when the program is not valid or asks for what is not supported
 */
export function compileFilter(
  program: RawProgram,
  options: { readonly symbol: string },
): CompiledFilter {
  const { symbol } = options;
  if (!/^[a-z_][a-z0-9_]*$/.test(symbol)) throw new TypeError(`not a C identifier: ${symbol}`);
  const insns = decode(program);
  validate(insns);
  const ir = PASSES.reduce((before, pass) => pass(before), splitBlocks(insns));
  const window = planWindow(ir);
  return {
    symbol,
    text: emitC(ir, symbol, window),
    windowBytes: window?.arrayBytes ?? 0,
    ...reachOf(ir),
    loops: insns.some((insn, index) => insn.op === 'ja' && jaTarget(insn, index) <= index),
    cost: costOf(ir, window),
    constant: constantOf(ir),
  };
}

function reachOf(ir: FilterIr): Pick<CompiledFilter, 'readsBeyondWindow' | 'reachBytes'> {
  const insns = ir.blocks.flatMap((block) => block.insns);
  const accesses = insns.map(accessOf).filter((access) => access !== undefined);
  const unbounded = insns.some((insn) => insn.op === 'ld-ind' && insn.index === undefined);
  return {
    readsBeyondWindow:
      accesses.some((access) => !fitsWindow(access)) ||
      insns.some((insn) => insn.op === 'ld-ind' && leavesWindow(insn)),
    reachBytes: unbounded ? undefined : Math.max(0, ...accesses.map(endOf)),
  };
}

function constantOf(ir: FilterIr): CompiledFilter['constant'] {
  const [entry] = ir.blocks;
  if (entry?.end.op !== 'ret' || entry.insns.length > 0) return undefined;
  const { value } = entry.end;
  return value.kind === 'k' && value.k !== 0 ? 'all' : 'none';
}
