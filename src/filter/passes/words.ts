import type { Block, ConstantLoad, FilterIr, IrInsn } from '../ir.ts';
import { backward, forward } from '../ir.ts';
import { isNegative } from '../meta.ts';
import { accessOf, endOf, fitsWindow, type Access } from '../window.ts';

/**
 * A filter with more blocks than this loads each field anew. Else clang keeps fields in registers, and
 * the verifier follows every combination of what comparisons have told about them: a million
 * instructions for 300 hosts.
 */
export const LONG_BLOCKS = 100;

/** Bytes of a word. */
export const WORD = 8;

/**
 * Says of fields which 8 bytes they lie in together, for those that one packet can be asked for: where a load is dear beside a
 * shift, the bytes are loaded once. Only where the guards before have shown that the packet has all of them.
 */
export function words(ir: FilterIr): FilterIr {
  if (ir.blocks.length > LONG_BLOCKS) return ir;
  const starts = findWords(ir.blocks.flatMap(({ insns }) => insns.flatMap(placeOf)));
  return withoutSingles(
    forward(ir, 0, Math.min, (block, before) => {
      let held = before;
      const insns = block.insns.map((insn) => {
        if (insn.op === 'guard-packet') held = Math.max(held, insn.end);
        const [place] = placeOf(insn);
        const word = place && starts.find((start) => isInside(place, start));
        return word === undefined || word + WORD > held ? insn : withWord(insn, word);
      });
      return { block: { ...block, insns }, after: held };
    }),
  );
}

/**
 * Where the words begin that have more than one field. Each ends with a field: the guard that this one needs is then enough for
 * the word.
 */
function findWords(places: readonly Access[]): readonly number[] {
  const starts: number[] = [];
  let left = [...places].sort((a, b) => endOf(b) - endOf(a));
  while (left[0] !== undefined) {
    const start = Math.max(0, endOf(left[0]) - WORD);
    const inside = left.filter((place) => isInside(place, start));
    if (new Set(inside.map(({ offset, size }) => `${offset}+${size}`)).size > 1) starts.push(start);
    left = left.filter((place) => !inside.includes(place));
  }
  return starts;
}

const isInside = (place: Access, start: number): boolean =>
  place.offset >= start && endOf(place) <= start + WORD;

/** The place of a load that the window serves, and that does not depend on the packet. */
function placeOf(insn: IrInsn): readonly Access[] {
  if (!isConstantLoad(insn)) return [];
  const place = accessOf(insn);
  return place === undefined || !fitsWindow(place) ? [] : [place];
}

const isConstantLoad = (insn: IrInsn): insn is ConstantLoad =>
  (insn.op === 'ld-abs' || insn.op === 'ldx-msh') && !isNegative(insn.k);

const withWord = (insn: IrInsn, word: number | undefined): IrInsn =>
  isConstantLoad(insn) ? { ...insn, word } : insn;

/** Takes the word back from loads that no other comes with on any way through the filter. */
function withoutSingles(ir: FilterIr): FilterIr {
  const ahead = backward<ReadonlySet<string>>(ir, (block, after) =>
    after.reduce(union, keysOf(block)),
  );
  return forward(ir, new Set<string>(), union, (block, before) => {
    const onTheWay = [...union(before, ahead.get(block.id) ?? before)];
    const insns = block.insns.map((insn) => {
      const [place] = placeOf(insn);
      if (place?.word === undefined) return insn;
      const others = onTheWay.some(
        (key) => key.startsWith(`${place.word}:`) && key !== keyOf(place),
      );
      return others ? insn : withWord(insn, undefined);
    });
    return { block: { ...block, insns }, after: union(before, keysOf(block)) };
  });
}

const union = (left: ReadonlySet<string>, right: ReadonlySet<string>): Set<string> =>
  new Set([...left, ...right]);

const keysOf = ({ insns }: Block): Set<string> =>
  new Set(
    insns
      .flatMap(placeOf)
      .filter(({ word }) => word !== undefined)
      .map(keyOf),
  );

const keyOf = ({ word, offset, size }: Access): string => `${word}:${offset}+${size}`;
