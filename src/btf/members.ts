import type { Btf } from './btf.ts';
import { BtfError } from './error.ts';
import type { BtfComposite, BtfMember } from './types.ts';

/** Where a member stands, counted from the start of the struct that the path starts at. */
export interface MemberPlace {
  readonly offsetBytes: number;
  /** Bits past offsetBytes: 0 unless the member is a bit-field. */
  readonly offsetBits: number;
  /** Width in bits of a bit-field, 0 for any other member. */
  readonly bitfieldSize: number;
  /** Size of the member's type; of a bit-field, of its declared type. */
  readonly sizeBytes: number;
  readonly typeId: number;
}

/** Deeper nesting than any C compiler must take (C11 5.2.4.1 asks for 63): a cycle. */
const MAX_DEPTH = 64;

/**
 * The place of `ns.inum` in `net`: members of anonymous structs and unions are found as C finds
 * them, each dot goes into a nested struct (never through a pointer). Undefined when the struct or
 * a member is missing; throws BtfError when a name before a dot is no struct.
 */
export function memberPath(btf: Btf, structName: string, path: string): MemberPlace | undefined {
  const struct = btf.struct(structName);
  return struct === undefined ? undefined : memberPlace(btf, struct, path);
}

/** As memberPath(), from a struct already at hand. */
export function memberPlace(btf: Btf, struct: BtfComposite, path: string): MemberPlace | undefined {
  let owner = struct;
  let bits = 0;
  const names = path.split('.');
  for (const [i, name] of names.entries()) {
    const found = findMember(btf, owner, name);
    if (found === undefined) return undefined;
    bits += found.bitOffset;
    if (i === names.length - 1) {
      return {
        offsetBytes: Math.floor(bits / 8),
        offsetBits: bits % 8,
        bitfieldSize: found.bitfieldSize,
        sizeBytes: btf.sizeOf(found.typeId),
        typeId: found.typeId,
      };
    }
    const type = btf.resolve(found.typeId);
    if (type.kind !== 'struct' && type.kind !== 'union') {
      throw new BtfError(
        `finding member ${path} of struct ${struct.name}: ${name}: it is no struct but ${type.kind}`,
      );
    }
    owner = type;
  }
  return undefined;
}

/** The member of that name, its bit offset counted from the start of `struct`. */
export function findMember(
  btf: Btf,
  struct: BtfComposite,
  name: string,
  depth = 0,
): BtfMember | undefined {
  if (depth > MAX_DEPTH) {
    throw new BtfError(`finding member ${name}: anonymous members: they form a cycle`);
  }
  for (const member of struct.members) {
    if (member.name === name && name !== '') return withLegacyBitfield(btf, member);
    if (member.name !== '') continue;
    const inner = btf.resolve(member.typeId);
    // An unnamed bit-field (`int :4`) is an anonymous member too.
    if (inner.kind !== 'struct' && inner.kind !== 'union') continue;
    const found = findMember(btf, inner, name, depth + 1);
    if (found !== undefined) return { ...found, bitOffset: found.bitOffset + member.bitOffset };
  }
  return undefined;
}

/** Before kind_flag (Linux 5.0, commit 9d5f9f701b18) the width of a bit-field stood in its type. */
function withLegacyBitfield(btf: Btf, member: BtfMember): BtfMember {
  if (member.bitfieldSize !== 0) return member;
  const type = btf.resolve(member.typeId);
  if (type.kind !== 'int') return member;
  if (type.bits === type.sizeBytes * 8 && type.bitOffset === 0) return member;
  return {
    ...member,
    bitOffset: member.bitOffset + type.bitOffset,
    bitfieldSize: type.bits,
  };
}
