import { assertNever } from '../errors.ts';
import { TYPE_BYTES } from './scan.ts';
import { type BtfEnumerator, type BtfMember, type BtfType, KIND_NAMES } from './types.ts';

/** Where a type is read from. */
export interface TypeSource {
  readonly view: DataView;
  readonly littleEndian: boolean;
  string(offset: number): string;
}

/** struct btf_type at `offset`, whose bounds scanTypes() has checked. */
export function decodeType(source: TypeSource, id: number, offset: number): BtfType {
  const { view, littleEndian } = source;
  const u32 = (at: number): number => view.getUint32(at, littleEndian);
  const name = source.string(u32(offset));
  const info = u32(offset + 4);
  const kind = KIND_NAMES[(info >>> 24) & 0x1f] ?? 'void';
  const flag = info >>> 31 === 1;
  const vlen = info & 0xffff;
  // A union in the kernel's header: the size of the type, or the type that it refers to.
  const sizeOrType = u32(offset + 8);
  const trailer = offset + TYPE_BYTES;
  /** One of vlen items of `size` bytes each. */
  const items = <T>(size: number, read: (at: number) => T): T[] =>
    Array.from({ length: vlen }, (_, i) => read(trailer + i * size));

  switch (kind) {
    case 'int': {
      const word = u32(trailer);
      const encoding = (word >>> 24) & 0xf;
      return {
        kind,
        id,
        name,
        sizeBytes: sizeOrType,
        bits: word & 0xff,
        bitOffset: (word >>> 16) & 0xff,
        signed: (encoding & 1) !== 0,
        char: (encoding & 2) !== 0,
        bool: (encoding & 4) !== 0,
      };
    }
    case 'ptr':
    case 'typedef':
    case 'volatile':
    case 'const':
    case 'restrict':
    case 'type_tag':
      return { kind, id, name, typeId: sizeOrType };
    case 'array':
      return {
        kind,
        id,
        name,
        elementTypeId: u32(trailer),
        indexTypeId: u32(trailer + 4),
        length: u32(trailer + 8),
      };
    case 'struct':
    case 'union':
      return {
        kind,
        id,
        name,
        sizeBytes: sizeOrType,
        members: items(12, (at): BtfMember => {
          const place = u32(at + 8);
          return {
            name: source.string(u32(at)),
            typeId: u32(at + 4),
            bitOffset: flag ? place & 0xffffff : place,
            bitfieldSize: flag ? place >>> 24 : 0,
          };
        }),
      };
    case 'enum':
      return {
        kind,
        id,
        name,
        sizeBytes: sizeOrType,
        signed: flag,
        values: items(8, (at): BtfEnumerator => {
          const value = flag ? view.getInt32(at + 4, littleEndian) : u32(at + 4);
          return { name: source.string(u32(at)), value: BigInt(value) };
        }),
      };
    case 'enum64':
      return {
        kind,
        id,
        name,
        sizeBytes: sizeOrType,
        signed: flag,
        values: items(12, (at): BtfEnumerator => {
          const value = (BigInt(u32(at + 8)) << 32n) | BigInt(u32(at + 4));
          return {
            name: source.string(u32(at)),
            value: flag ? BigInt.asIntN(64, value) : value,
          };
        }),
      };
    case 'fwd':
      return { kind, id, name, union: flag };
    case 'func':
      return { kind, id, name, typeId: sizeOrType, linkage: vlen };
    case 'func_proto':
      return {
        kind,
        id,
        name,
        returnTypeId: sizeOrType,
        params: items(8, (at) => ({ name: source.string(u32(at)), typeId: u32(at + 4) })),
      };
    case 'var':
      return { kind, id, name, typeId: sizeOrType, linkage: u32(trailer) };
    case 'datasec':
      return {
        kind,
        id,
        name,
        sizeBytes: sizeOrType,
        entries: items(12, (at) => ({
          typeId: u32(at),
          offset: u32(at + 4),
          sizeBytes: u32(at + 8),
        })),
      };
    case 'decl_tag':
      return {
        kind,
        id,
        name,
        typeId: sizeOrType,
        componentIndex: view.getInt32(trailer, littleEndian),
      };
    case 'float':
      return { kind, id, name, sizeBytes: sizeOrType };
    case 'void':
      return { kind, id, name, sizeBytes: 0 };
    default:
      return assertNever(kind);
  }
}
