import type { Btf } from '../btf/btf.ts';
import type { BtfComposite } from '../btf/types.ts';

/** What the verifier makes of a load through a pointer to a struct. */
export type TypedLoad =
  | { readonly kind: 'scalar' }
  /** A pointer that may be followed: to the struct of that type id. */
  | { readonly kind: 'pointer'; readonly structId: number };

/** Nesting of structs within each other; a kernel's own is a tenth of it. */
const MAX_DEPTH = 64;

/**
 * Follows btf_struct_walk() of kernel/bpf/btf.c for a load of `size` bytes at `offset`: of members
 * that share bytes the verifier sees the first one only, so that a load that is right by C may be
 * refused, or be taken for something else. Undefined when it would be refused, or when this is not
 * sure: a probe read does then.
 */
export function typedLoad(
  btf: Btf,
  struct: BtfComposite,
  offset: number,
  size: number,
): TypedLoad | undefined {
  let owner = struct;
  let at = offset;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (at + size > owner.sizeBytes) return undefined;
    const found = memberAt(btf, owner, at);
    if (found === undefined) return undefined;
    const { type, start, end } = found;
    switch (type.kind) {
      case 'struct':
      case 'union':
        owner = type;
        at -= start;
        break;
      case 'ptr': {
        if (at !== start || size !== btf.pointerSize()) return undefined;
        const target = btf.resolve(type.typeId);
        if (target.kind !== 'struct') return undefined;
        return { kind: 'pointer', structId: target.id };
      }
      case 'int':
      case 'enum':
      case 'enum64':
        return at + size <= end ? { kind: 'scalar' } : undefined;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** The first member that covers the byte; of an array the element. */
function memberAt(btf: Btf, owner: BtfComposite, at: number) {
  for (const member of owner.members) {
    if (member.bitfieldSize !== 0) {
      const end = Math.ceil((member.bitOffset + member.bitfieldSize) / 8);
      if (at >= Math.floor(member.bitOffset / 8) && at < end) return undefined;
      continue;
    }
    const offset = member.bitOffset / 8;
    const end = offset + btf.sizeOf(member.typeId);
    if (at < offset || at >= end) continue;
    let type = btf.resolve(member.typeId);
    if (type.kind !== 'array') return { type, start: offset, end };
    while (type.kind === 'array') type = btf.resolve(type.elementTypeId);
    const element = btf.sizeOf(type.id);
    if (element === 0) return undefined;
    return { type, start: offset + Math.floor((at - offset) / element) * element, end };
  }
  return undefined;
}
