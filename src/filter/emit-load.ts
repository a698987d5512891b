import type { IndexedLoad } from './ir.ts';
import type { LoadSize } from './insn.ts';
import type { Access, Window } from './window.ts';
import { fitsWindow, pieceSize } from './window.ts';

/** A constant in C: unsigned where it does not fit an int. */
export const constant = (value: number): string =>
  value < 10 ? `${value}` : `0x${value.toString(16)}`;

/** An expression for a value in the window; `index` names a masked offset to add, if any. */
function windowValue(access: Access, window: Window, index: string | undefined): string {
  const piece = pieceSize(access, window);
  const start = access.offset - window.first + window.pad;
  const parts: string[] = [];
  for (let at = 0; at < access.size; at += piece) {
    const read = readAt(start + at, piece, index);
    const shift = 8 * (access.size - at - piece);
    parts.push(shift === 0 ? read : `${read} << ${shift}`);
  }
  return parts.join(' | ');
}

/** Who reads packets in place takes the word at once, and others the value as it is in the window. */
function inWord({ offset, size, word }: Access, window: Window, read: string): string {
  if (word === undefined) return read;
  const place = word - window.first + window.pad;
  const from = place < 0 ? `w - ${-place}` : `w + ${place}`;
  return `XCAP_OF_WORD(${fieldOf(size)}, ${from}, ${offset - word}, ${read})`;
}

const fieldOf = (size: LoadSize): string => (size === 1 ? 'byte' : `be${8 * size}`);

function readAt(place: number, size: LoadSize, index: string | undefined): string {
  const subscript = index === undefined ? `${place}` : `${place} + ${index}`;
  return `xcap_${fieldOf(size)}(w + ${subscript})`;
}

/** Statements that set `target` from a place that is known when the filter is compiled. */
export function emitConstantLoad(
  target: string,
  access: Access,
  window: Window | undefined,
): readonly string[] {
  if (window !== undefined && fitsWindow(access)) {
    const read = windowValue(access, window, undefined);
    return [`\t${target} = ${inWord(access, window, read)};`];
  }
  return emitFetch(`xcap_fetch${8 * access.size}(p, ${constant(access.offset)}, &${target})`);
}

const emitFetch = (call: string): readonly string[] => [`\tif (${call})`, '\t\treturn 0;'];

/** Statements that set A from X + k. */
export function emitIndexedLoad(insn: IndexedLoad, window: Window | undefined): readonly string[] {
  const { k, size, index, ahead } = insn;
  const place = k === 0 ? 'X' : `X + ${constant(k)}`;
  if (index === undefined) return emitFetch(`xcap_load${8 * size}(p, ${place}, &A)`);
  const direct = emitFetch(`xcap_fetch${8 * size}(p, ${place}, &A)`);
  const access: Access = { offset: k, size, index };
  if (window === undefined || !fitsWindow(access)) return direct;
  const wide = ahead && [
    '#ifdef XCAP_AHEAD',
    ...(ahead.loads ? [`\tahead = XCAP_AHEAD(p, X + ${constant(ahead.from)});`] : []),
    `\tA = xcap_${fieldOf(size)}_of(ahead, ${k - ahead.from});`,
  ];
  return [
    ...(wide ?? []),
    wide === undefined ? '#if XCAP_VAR_STACK' : '#elif XCAP_VAR_STACK',
    `\ti = xcap_mask(X, ${constant(index.bits)});`,
    `\tA = ${windowValue(access, window, 'i')};`,
    '#else',
    ...direct,
    '#endif',
  ];
}

/** Whether a load is served by a fetch of its own even where variable stack reads are allowed. */
export function leavesWindow(insn: IndexedLoad): boolean {
  const { index } = insn;
  return index === undefined || !fitsWindow({ offset: insn.k, size: insn.size, index });
}
