import { BtfError } from './error.ts';
import type { BtfHeader } from './header.ts';
import { KIND, KIND_NAMES } from './types.ts';

/** Where each type of one BTF blob stands; entry i is the blob's own type i, counted from 0. */
export interface TypeIndex {
  readonly count: number;
  /** Byte offset of each type's struct btf_type. */
  readonly offsets: Uint32Array;
  readonly kinds: Uint8Array;
}

/** Size of struct btf_type. */
export const TYPE_BYTES = 12;

/** Bytes after struct btf_type: a fixed part, and a part for each of vlen. */
const TRAILER = {
  [KIND.int]: [4, 0],
  [KIND.array]: [12, 0],
  [KIND.struct]: [0, 12],
  [KIND.union]: [0, 12],
  [KIND.enum]: [0, 8],
  [KIND.func_proto]: [0, 8],
  [KIND.var]: [4, 0],
  [KIND.datasec]: [0, 12],
  [KIND.decl_tag]: [4, 0],
  [KIND.enum64]: [0, 12],
} as const satisfies Record<number, readonly [fixed: number, each: number]>;

const FIXED = new Uint8Array(32);
const EACH = new Uint8Array(32);
for (const [kind, [fixed, each]] of Object.entries(TRAILER)) {
  FIXED[Number(kind)] = fixed;
  EACH[Number(kind)] = each;
}

/**
 * One pass over the type section. A kernel has some 130,000 types, so only numbers are kept.
 * Throws BtfError on a type that is cut short or of a kind whose size is not known.
 */
export function scanTypes(view: DataView, header: BtfHeader): TypeIndex {
  const { littleEndian, typesStart, typesEnd } = header;
  const room = Math.floor((typesEnd - typesStart) / TYPE_BYTES);
  const offsets = new Uint32Array(room);
  const kinds = new Uint8Array(room);
  let count = 0;
  for (let at = typesStart; at < typesEnd; count++) {
    if (at + TYPE_BYTES > typesEnd) throw truncated(count, at);
    const info = view.getUint32(at + 4, littleEndian);
    const kind = (info >>> 24) & 0x1f;
    if (kind === KIND.void || kind >= KIND_NAMES.length) {
      throw new BtfError(`reading BTF: type ${count} at byte ${at}: kind ${kind} is not known`);
    }
    offsets[count] = at;
    kinds[count] = kind;
    at += TYPE_BYTES + (FIXED[kind] ?? 0) + (EACH[kind] ?? 0) * (info & 0xffff);
    if (at > typesEnd) throw truncated(count, offsets[count] ?? 0);
  }
  return { count, offsets, kinds };
}

function truncated(index: number, at: number): BtfError {
  return new BtfError(
    `reading BTF: type ${index} at byte ${at}: cut short by the end of the section`,
  );
}
