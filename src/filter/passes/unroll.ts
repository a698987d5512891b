import type { Block, Terminator } from '../ir.ts';
import { successors } from '../ir.ts';

/** How often a program may jump back before it rejects: headers of a chain that `protochain` follows. */
export const LOOP_BOUND = 8;

/** Blocks from a loop's first to its last in program order; loops that overlap are one region. */
interface Region {
  readonly first: number;
  readonly last: number;
}

/**
 * Replaces loops by copies: a block that jumps back goes on in the next copy of its region, and in
 * the last one it rejects. So a copy's number is how often the region has jumped back, and that
 * holds for any loops, whichever way they are entered.
 *
 * @param stride more than any block's id: copies are numbered by it
 */
export function unrollLoops(blocks: readonly Block[], stride: number): readonly Block[] {
  const regions = findRegions(blocks);
  if (regions.length === 0) return blocks;
  const reject: Block = {
    id: stride * (LOOP_BOUND + 1),
    insns: [],
    end: { op: 'ret', value: { kind: 'k', k: 0 } },
  };
  const out: Block[] = [];
  let next = 0;
  for (const region of regions) {
    const [from, to] = [region.first, region.last].map((id) =>
      blocks.findIndex((block) => block.id === id),
    ) as [number, number];
    out.push(...blocks.slice(next, from));
    for (let copy = 0; copy <= LOOP_BOUND; copy++) {
      for (const block of blocks.slice(from, to + 1)) {
        const end = redirect(block.end, (id) => {
          if (id <= block.id) return copy === LOOP_BOUND ? reject.id : id + stride * (copy + 1);
          return id <= region.last ? id + stride * copy : id;
        });
        out.push({ ...block, id: block.id + stride * copy, end });
      }
    }
    next = to + 1;
  }
  return [...out, ...blocks.slice(next), reject];
}

function findRegions(blocks: readonly Block[]): readonly Region[] {
  const loops = blocks
    .flatMap((block) =>
      successors(block)
        .filter((id) => id <= block.id)
        .map((first): Region => ({ first, last: block.id })),
    )
    .sort((a, b) => a.first - b.first);
  const regions: Region[] = [];
  for (const loop of loops) {
    const before = regions.at(-1);
    if (before !== undefined && loop.first <= before.last) {
      regions[regions.length - 1] = {
        first: before.first,
        last: Math.max(before.last, loop.last),
      };
    } else regions.push(loop);
  }
  return regions;
}

function redirect(end: Terminator, to: (id: number) => number): Terminator {
  switch (end.op) {
    case 'ret':
      return end;
    case 'goto':
      return { op: 'goto', to: to(end.to) };
    case 'branch':
      return { ...end, whenTrue: to(end.whenTrue), whenFalse: to(end.whenFalse) };
  }
}
