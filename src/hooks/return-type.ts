import type { Btf } from '../btf/btf.ts';

/** What a return value means. */
export type ReturnType =
  | { readonly kind: 'enum'; readonly names: ReadonlyMap<bigint, string>; readonly bits: number }
  | { readonly kind: 'pointer' }
  | { readonly kind: 'unsigned'; readonly bits: number }
  /** Of small negative ones the error's name is told. */
  | { readonly kind: 'signed'; readonly bits: number }
  /** No type is known: the register as it is. */
  | { readonly kind: 'register' }
  | { readonly kind: 'verdict'; readonly by: 'tc' | 'xdp' };

/** What a function of that return type returns; undefined for nothing, and for what is no word. */
export function returnTypeOf(btf: Btf, typeId: number): ReturnType | undefined {
  const type = btf.resolve(typeId);
  switch (type.kind) {
    case 'int':
      return { kind: type.signed ? 'signed' : 'unsigned', bits: type.sizeBytes * 8 };
    case 'ptr':
      return { kind: 'pointer' };
    case 'enum':
    case 'enum64': {
      const bits = type.sizeBytes * 8;
      // Of several names for a value the first is the enumerator's own: others are aliases.
      const named = type.values.map(
        ({ name, value }) => [BigInt.asIntN(bits, value), name] as const,
      );
      return { kind: 'enum', names: new Map(named.reverse()), bits };
    }
    default:
      return undefined;
  }
}
