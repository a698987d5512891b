import type { Block, FilterIr, IndexedLoad, IrInsn } from '../ir.ts';
import { backward, forward, writesX } from '../ir.ts';
import { isNegative } from '../meta.ts';
import { keepReached } from './blocks.ts';

/**
 * What rejects for certain from some place on: a packet of fewer than `packet` bytes; one of fewer
 * than X + `index` bytes, for the X of that place. Infinity: every packet.
 */
interface Need {
  readonly packet: number;
  readonly index: number;
}

const NOTHING: Need = { packet: 0, index: 0 };
const EVERY_PACKET: Need = { packet: Infinity, index: Infinity };

const larger = (a: Need, b: Need): Need => ({
  packet: Math.max(a.packet, b.packet),
  index: Math.max(a.index, b.index),
});
const smaller = (a: Need, b: Need): Need => ({
  packet: Math.min(a.packet, b.packet),
  index: Math.min(a.index, b.index),
});

/**
 * A load out of bounds rejects. Guards are put where they cover most: since failing early and
 * failing late both reject, a guard moves up as far as every path from there rejects short packets
 * anyhow, and one that is implied by those before it is left out. Blocks that can only reject
 * become `ret 0`. Loads at an X of unknown size are not handled here: they check themselves.
 */
export function boundsGuards(ir: FilterIr): FilterIr {
  const needs = backward<Need>(ir, (block, after) => needAtStart(block, after).start);
  const pruned = pruneRejecting(ir, needs);
  return forward(pruned, NOTHING, smaller, (block, before) => {
    const after = successorNeeds(block, needs);
    return placeGuards(block, needAtStart(block, after).segments, before);
  });
}

function pruneRejecting(ir: FilterIr, needs: ReadonlyMap<number, Need>): FilterIr {
  const blocks = ir.blocks.map((block): Block => {
    if (needs.get(block.id)?.packet !== Infinity) return block;
    return { id: block.id, insns: [], end: { op: 'ret', value: { kind: 'k', k: 0 } } };
  });
  return { blocks: keepReached(blocks) };
}

function successorNeeds(block: Block, needs: ReadonlyMap<number, Need>): readonly Need[] {
  const { end } = block;
  if (end.op === 'ret') return [];
  const ids = end.op === 'goto' ? [end.to] : [end.whenTrue, end.whenFalse];
  return ids.map((id) => needs.get(id) ?? NOTHING);
}

/** A block's instructions between two changes of X, with what holds at the segment's start. */
interface Segment {
  readonly insns: readonly IrInsn[];
  readonly need: Need;
}

function needAtStart(
  block: Block,
  after: readonly Need[],
): { readonly start: Need; readonly segments: readonly Segment[] } {
  let need = needAtEnd(block, after);
  const segments: Segment[] = [];
  for (const insns of splitAtX(block.insns).toReversed()) {
    // The change of X ends its segment: what comes later is measured from another X.
    const changesX = insns.some(writesX);
    need = changesX
      ? { packet: need.packet, index: need.packet === Infinity ? Infinity : 0 }
      : need;
    need = insns.map(needOf).reduce(larger, need);
    segments.unshift({ insns, need });
  }
  return { start: need, segments };
}

function needAtEnd(block: Block, after: readonly Need[]): Need {
  if (block.end.op !== 'ret') return after.reduce(smaller, EVERY_PACKET);
  const { value } = block.end;
  return value.kind === 'k' && value.k === 0 ? EVERY_PACKET : NOTHING;
}

function needOf(insn: IrInsn): Need {
  switch (insn.op) {
    case 'ld-abs':
      return isNegative(insn.k) ? EVERY_PACKET : { packet: insn.k + insn.size, index: 0 };
    case 'ldx-msh':
      return isNegative(insn.k) ? EVERY_PACKET : { packet: insn.k + 1, index: 0 };
    case 'ld-ind':
      return { packet: 0, index: guardedEnd(insn) };
    default:
      return NOTHING;
  }
}

const guardedEnd = (insn: IndexedLoad): number =>
  insn.index === undefined ? 0 : insn.k + insn.size;

/** Each segment but the last ends with the instruction that changes X; there is at least one. */
function splitAtX(insns: readonly IrInsn[]): readonly (readonly IrInsn[])[] {
  const segments: IrInsn[][] = [[]];
  for (const insn of insns) {
    segments.at(-1)?.push(insn);
    if (writesX(insn)) segments.push([]);
  }
  return segments;
}

function placeGuards(
  block: Block,
  segments: readonly Segment[],
  before: Need,
): { readonly block: Block; readonly after: Need } {
  if (block.end.op === 'ret' && segments.every(({ insns }) => insns.length === 0)) {
    return { block, after: before };
  }
  let held = before;
  const insns = segments.flatMap((segment) => {
    const guards: IrInsn[] = [];
    if (segment.need.packet > held.packet) {
      guards.push({ op: 'guard-packet', end: segment.need.packet });
    }
    if (segment.need.index > held.index) {
      guards.push({ op: 'guard-index', end: segment.need.index });
    }
    held = larger(held, segment.need);
    if (segment.insns.some(writesX)) held = { packet: held.packet, index: 0 };
    return [...guards, ...segment.insns];
  });
  return { block: { ...block, insns }, after: held };
}
