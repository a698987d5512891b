import type { Btf } from '../btf/btf.ts';
import type { BtfMember } from '../btf/types.ts';
import type { Slot } from './struct-layout.ts';

/** What a member's element is written as. */
interface Element {
  readonly text: string;
  readonly align: number;
}

/**
 * The declaration of a member that is wanted as a whole. What is neither a scalar, a pointer,
 * nor an array of these is an array of bytes of the right size.
 */
export function leafDeclaration(
  btf: Btf,
  member: BtfMember,
  available: ReadonlySet<string>,
): Omit<Slot, 'offset'> {
  const size = btf.sizeOf(member.typeId);
  let dimensions = '';
  let type = btf.resolve(member.typeId);
  while (type.kind === 'array') {
    dimensions += `[${type.length}]`;
    type = btf.resolve(type.elementTypeId);
  }
  const element = describeElement(btf, type.id, available);
  if (element === undefined) {
    return { size, align: 1, declaration: [`u8 ${member.name}[${size}]`] };
  }
  return {
    size,
    align: element.align,
    declaration: [
      `${element.text}${element.text.endsWith('*') ? '' : ' '}${member.name}${dimensions}`,
    ],
  };
}

function describeElement(
  btf: Btf,
  typeId: number,
  available: ReadonlySet<string>,
): Element | undefined {
  const type = btf.type(typeId);
  switch (type.kind) {
    case 'int':
    case 'enum':
    case 'enum64': {
      if (type.kind === 'int' && type.name === 'char') return { text: 'char', align: 1 };
      // __int128 is loaded as bytes: no BPF register holds it.
      if (![1, 2, 4, 8].includes(type.sizeBytes)) return undefined;
      const prefix = type.signed ? 's' : 'u';
      return { text: `${prefix}${type.sizeBytes * 8}`, align: type.sizeBytes };
    }
    case 'ptr': {
      const target = btf.resolve(type.typeId);
      const typed =
        (target.kind === 'struct' || target.kind === 'union' || target.kind === 'fwd') &&
        available.has(target.name);
      if (!typed) return { text: 'void *', align: 8 };
      const keyword = btf.struct(target.name)?.kind ?? 'struct';
      return { text: `${keyword} ${target.name} *`, align: 8 };
    }
    default:
      return undefined;
  }
}
