import { BtfError } from '../btf/error.ts';

/** A member of an emitted struct. */
export interface Slot {
  readonly offset: number;
  readonly size: number;
  /** Alignment that the C compiler gives to it: a power of two. */
  readonly align: number;
  /** Its declaration, without the semicolon of the last line; may be several lines. */
  readonly declaration: readonly string[];
}

/** Slots that share bytes: they become the alternatives of an anonymous union. */
interface Cluster {
  readonly start: number;
  readonly end: number;
  readonly align: number;
  readonly slots: readonly Slot[];
}

/**
 * The lines between the braces of a struct of `size` bytes that has each slot at its offset without
 * `packed`: clang would load the members of a packed struct byte by byte, which the verifier
 * refuses for typed pointers. Gaps are explicit. Throws BtfError when a slot is not aligned as C
 * aligns it.
 */
export function layOut(what: string, size: number, slots: readonly Slot[]): string[] {
  const lines: string[] = [];
  let pads = 0;
  let at = 0;
  const pad = (bytes: number): string[] => (bytes === 0 ? [] : [`char _pad${pads++}[${bytes}];`]);
  for (const cluster of findClusters(what, slots)) {
    lines.push(...pad(cluster.start - at));
    const [only] = cluster.slots;
    if (cluster.slots.length === 1 && only !== undefined) {
      lines.push(...withSemicolon(only.declaration));
    } else {
      lines.push('union {');
      for (const slot of cluster.slots) {
        const gap = pad(slot.offset - cluster.start);
        const declaration = withSemicolon(slot.declaration);
        const alternative =
          gap.length === 0 ? declaration : ['struct {', ...indent([...gap, ...declaration]), '};'];
        lines.push(...indent(alternative));
      }
      lines.push('};');
    }
    at = cluster.end;
  }
  lines.push(...pad(size - at));
  return lines;
}

/** Lines one tab deeper. */
export function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `\t${line}`);
}

function withSemicolon(lines: readonly string[]): string[] {
  return lines.map((line, i) => (i === lines.length - 1 ? `${line};` : line));
}

function findClusters(what: string, slots: readonly Slot[]): Cluster[] {
  const clusters: Cluster[] = [];
  for (const slot of [...slots].sort((a, b) => a.offset - b.offset)) {
    if (slot.offset % slot.align !== 0) {
      throw new BtfError(
        `writing struct ${what} as C: member at byte ${slot.offset}: not aligned to ${slot.align}`,
      );
    }
    let merged = clusterOf([slot]);
    // A union starts where its most aligned alternative allows: that may reach back further.
    for (
      let last = clusters.at(-1);
      last !== undefined && last.end > merged.start;
      last = clusters.at(-1)
    ) {
      merged = clusterOf([...last.slots, ...merged.slots]);
      clusters.pop();
    }
    clusters.push(merged);
  }
  return clusters;
}

function clusterOf(slots: readonly Slot[]): Cluster {
  const align = Math.max(...slots.map((slot) => slot.align));
  const first = Math.min(...slots.map((slot) => slot.offset));
  const last = Math.max(...slots.map((slot) => slot.offset + slot.size));
  if (slots.length === 1) return { start: first, end: last, align, slots };
  // A union is padded to its alignment at both ends.
  return {
    start: first - (first % align),
    end: Math.ceil(last / align) * align,
    align,
    slots,
  };
}
