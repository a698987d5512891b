import type { LoadSize } from './insn.ts';
import type { FilterIr, IrInsn, ValueRange } from './ir.ts';

/**
 * A fetch of constant size from a packet's start is safe up to here, however short the packet:
 * struct skb_shared_info (320 bytes) lies behind the linear part of every skb.
 */
const LIMIT = 256;
/** The kernel copies 8 bytes at a time (copy_from_kernel_nofault()). */
const WORD = 8;

/** Bytes that a load may touch: `size` at `offset`, plus X when `index` is there. */
export interface Access {
  readonly offset: number;
  readonly size: LoadSize;
  readonly index: ValueRange | undefined;
  /** See ConstantLoad. */
  readonly word?: number | undefined;
}

/**
 * The bytes of a packet that are fetched at once into the stack array `w`: packet byte n is at
 * w[n - first + pad]. Reads of the stack have to be aligned (verifier), hence the pad.
 */
export interface Window {
  readonly first: number;
  readonly pad: number;
  /** Bytes to fetch when indexed loads come from the window too, and when they do not. */
  readonly wide: number;
  readonly narrow: number;
  /** Bytes of `w`: a multiple of 8. */
  readonly arrayBytes: number;
}

/** What an instruction loads from the packet, unless the place is unknown. */
export function accessOf(insn: IrInsn): Access | undefined {
  switch (insn.op) {
    case 'ld-abs':
      return { offset: insn.k, size: insn.size, index: undefined, word: insn.word };
    case 'ldx-msh':
      return { offset: insn.k, size: 1, index: undefined, word: insn.word };
    case 'ld-ind':
      return insn.index === undefined
        ? undefined
        : { offset: insn.k, size: insn.size, index: insn.index };
    default:
      return undefined;
  }
}

/** One past the last byte; an index counts with its mask, which is what the verifier is shown. */
export const endOf = ({ offset, size, index }: Access): number =>
  offset + (index?.bits ?? 0) + size;

export const fitsWindow = (access: Access): boolean => endOf(access) <= LIMIT;

/** The window that serves every load that can be served by one; undefined when there is none. */
export function planWindow(ir: FilterIr): Window | undefined {
  const accesses = ir.blocks
    .flatMap(({ insns }) => insns)
    .map(accessOf)
    .filter((access) => access !== undefined)
    .filter(fitsWindow);
  if (accesses.length === 0) return undefined;
  const first = Math.min(...accesses.map(({ offset }) => offset));
  const wide = fetchSize(first, accesses);
  const narrow = fetchSize(
    first,
    accesses.filter(({ index }) => index === undefined),
  );
  const pad = choosePad(first, accesses);
  return { first, pad, wide, narrow, arrayBytes: Math.ceil((pad + wide) / WORD) * WORD };
}

function fetchSize(first: number, accesses: readonly Access[]): number {
  if (accesses.length === 0) return 0;
  const bytes = Math.max(...accesses.map(endOf)) - first;
  return Math.min(Math.ceil(bytes / WORD) * WORD, LIMIT - first);
}

/** The pad that lets most loads be single ones. */
function choosePad(first: number, accesses: readonly Access[]): number {
  const cost = (pad: number): number =>
    accesses.map((access) => piecesOf(access, { first, pad })).reduce((a, b) => a + b, 0);
  return [0, 1, 2, 3].reduce((best, pad) => (cost(pad) < cost(best) ? pad : best));
}

function piecesOf(access: Access, window: Pick<Window, 'first' | 'pad'>): number {
  return access.size / pieceSize(access, window);
}

/** The largest aligned reads that a load in the window can be made of. */
export function pieceSize(
  { offset, size, index }: Access,
  { first, pad }: Pick<Window, 'first' | 'pad'>,
): LoadSize {
  const place = (offset - first + pad) | (index?.bits ?? 0);
  if (size === 4 && place % 4 === 0) return 4;
  return size >= 2 && place % 2 === 0 ? 2 : 1;
}
