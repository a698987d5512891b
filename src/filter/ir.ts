import type { JumpTest, LdAbs, LdInd, LdxMsh, Operand, PlainInsn, RetValue } from './insn.ts';
import type { MetaField } from './meta.ts';

/**
 * What is known of a 32-bit value: it is at most `max`, and no bit outside `bits` is set. `bits` is
 * itself at least `max`, and as a mask it leaves the value alone.
 */
export interface ValueRange {
  readonly max: number;
  readonly bits: number;
}

/**
 * A load at X + k; `index` is the range of X when the sum cannot wrap, else absent. `ahead`: it shares the 8 bytes from
 * X + `from` on with others at the same X, which are there to be loaded though the packet may end before; not `loads`: they
 * are loaded on every way to it.
 */
export interface IndexedLoad extends LdInd {
  readonly index?: ValueRange;
  readonly ahead?: { readonly from: number; readonly loads: boolean };
}

/** A load at a constant place; `word` is the first of 8 bytes that it shares with others, all of which the packet has. */
export type ConstantLoad = (LdAbs | LdxMsh) & { readonly word?: number | undefined };

/** A = what the kernel knows of the packet beside its bytes; rejects where it does not. */
export interface LdMeta {
  readonly op: 'ld-meta';
  readonly field: MetaField;
}

/** Rejects unless `end` bytes can be loaded. */
export interface PacketGuard {
  readonly op: 'guard-packet';
  readonly end: number;
}
/** Rejects unless X + `end` bytes can be loaded. */
export interface IndexGuard {
  readonly op: 'guard-index';
  readonly end: number;
}
/** Rejects when X is zero. */
export interface DivisorGuard {
  readonly op: 'guard-divisor';
}

export type IrInsn =
  | Exclude<PlainInsn, LdInd | LdAbs | LdxMsh>
  | ConstantLoad
  | IndexedLoad
  | LdMeta
  | PacketGuard
  | IndexGuard
  | DivisorGuard;

export type Terminator =
  | { readonly op: 'goto'; readonly to: number }
  | {
      readonly op: 'branch';
      readonly test: JumpTest;
      readonly operand: Operand;
      readonly whenTrue: number;
      readonly whenFalse: number;
    }
  | { readonly op: 'ret'; readonly value: RetValue };

/** `id` is the index of its first cBPF instruction. */
export interface Block {
  readonly id: number;
  readonly insns: readonly IrInsn[];
  readonly end: Terminator;
}

/** Blocks in program order: the first is the entry, and every jump goes to a later one. */
export interface FilterIr {
  readonly blocks: readonly Block[];
}

export function successors(block: Block): readonly number[] {
  switch (block.end.op) {
    case 'goto':
      return [block.end.to];
    case 'branch':
      return [block.end.whenTrue, block.end.whenFalse];
    case 'ret':
      return [];
  }
}

/** Whether an instruction changes X. */
export function writesX(insn: IrInsn): boolean {
  switch (insn.op) {
    case 'ldx-msh':
    case 'tax':
      return true;
    case 'ld-len':
    case 'ld-imm':
    case 'ld-mem':
      return insn.to === 'x';
    default:
      return false;
  }
}

/**
 * Walks blocks backwards, so that each sees the results of its successors.
 *
 * @param of computes a block's result; `after` has one entry per successor
 */
export function backward<T>(
  ir: FilterIr,
  of: (block: Block, after: readonly T[]) => T,
): ReadonlyMap<number, T> {
  const results = new Map<number, T>();
  for (const block of ir.blocks.toReversed()) {
    const after = successors(block).map((id) => {
      const result = results.get(id);
      if (result === undefined) throw new RangeError(`block ${id} does not come later`);
      return result;
    });
    results.set(block.id, of(block, after));
  }
  return results;
}

/**
 * Walks blocks forwards and gives each the join of what its predecessors leave.
 *
 * @param step computes what a block leaves from what it is given, and the block's new form
 */
export function forward<T>(
  ir: FilterIr,
  entry: T,
  join: (left: T, right: T) => T,
  step: (block: Block, before: T) => { readonly block: Block; readonly after: T },
): FilterIr {
  const incoming = new Map<number, T>();
  const blocks = ir.blocks.map((old, index) => {
    const before = index === 0 ? entry : incoming.get(old.id);
    if (before === undefined) throw new RangeError(`block ${old.id} is not reached`);
    const { block, after } = step(old, before);
    for (const id of successors(block)) {
      const known = incoming.get(id);
      incoming.set(id, known === undefined ? after : join(known, after));
    }
    return block;
  });
  return { blocks };
}
