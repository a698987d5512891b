import { BtfError } from '../btf/error.ts';
import type { BtfMember } from '../btf/types.ts';

export interface BitfieldStorage {
  /** Byte offset and size of the unsigned integer that holds the bit-field. */
  readonly offset: number;
  readonly size: 1 | 2 | 4 | 8;
  /** C expression for the bit-field's value from one for the integer's. */
  extract(integer: string): string;
}

/**
 * The smallest aligned integer that a bit-field lies in. The verifier takes a load of a bit-field
 * through a typed pointer when it starts at or before the bit-field's byte and covers its end
 * (btf_struct_walk() in kernel/bpf/btf.c). Bits are numbered in memory order, so on big-endian
 * machines from the most significant end. Throws BtfError when no such integer exists.
 */
export function bitfieldStorage(
  member: BtfMember,
  signed: boolean,
  littleEndian: boolean,
): BitfieldStorage {
  const { bitOffset, bitfieldSize } = member;
  for (const size of [1, 2, 4, 8] as const) {
    const width = size * 8;
    const from = bitOffset % width;
    if (from + bitfieldSize > width) continue;
    const shift = littleEndian ? from : width - from - bitfieldSize;
    return {
      offset: (bitOffset - from) / 8,
      size,
      extract: (integer) => {
        if (signed)
          return `((s64)((u64)(${integer}) << ${64 - shift - bitfieldSize}) >> ${64 - bitfieldSize})`;
        const mask = `0x${((1n << BigInt(bitfieldSize)) - 1n).toString(16)}${size === 8 ? 'ULL' : 'U'}`;
        return `(((${integer}) >> ${shift}) & ${mask})`;
      },
    };
  }
  throw new BtfError(
    `writing bit-field ${member.name} as C: ${bitfieldSize} bits at bit ${bitOffset}: no aligned integer holds it`,
  );
}
