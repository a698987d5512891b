import type { Btf } from '../../src/btf/btf.ts';
import { type BtfType, KIND } from '../../src/btf/types.ts';

type WithoutId<T> = T extends BtfType ? Omit<T, 'id'> : never;
/** A type to write; what it refers to is named by id. */
export type NewType = WithoutId<Exclude<BtfType, { kind: 'void' }>>;

export interface BuilderOptions {
  readonly littleEndian?: boolean;
  /** Makes split BTF: `endId` and the length of the base's string section. */
  readonly base?: { readonly btf: Btf; readonly stringBytes: number };
}

/** Writes BTF: for tests of the reader, and for reduced recordings of kernels. */
export class BtfBuilder {
  readonly #little: boolean;
  readonly #firstString: number;
  #nextId: number;
  readonly #types: number[] = [];
  #strings: number[] = [];
  readonly #offsets = new Map<string, number>();

  constructor(options: BuilderOptions = {}) {
    this.#little = options.littleEndian ?? true;
    this.#nextId = options.base?.btf.endId ?? 1;
    this.#firstString = options.base?.stringBytes ?? 0;
    // Offset 0 is the empty name, in split BTF that of the base.
    if (options.base === undefined) this.#strings = [0];
    this.#offsets.set('', 0);
  }

  get stringBytes(): number {
    return this.#firstString + this.#strings.length;
  }

  /** The id that the next add() will give. */
  get nextId(): number {
    return this.#nextId;
  }

  string(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.stringBytes;
    this.#strings.push(...new TextEncoder().encode(text), 0);
    this.#offsets.set(text, offset);
    return offset;
  }

  int(name: string, sizeBytes: number, signed = false): number {
    const bits = sizeBytes * 8;
    return this.add({
      kind: 'int',
      name,
      sizeBytes,
      bits,
      bitOffset: 0,
      signed,
      char: false,
      bool: false,
    });
  }

  add(type: NewType): number {
    switch (type.kind) {
      case 'int': {
        const encoding = Number(type.signed) | (Number(type.char) << 1) | (Number(type.bool) << 2);
        return this.raw(type, false, 0, type.sizeBytes, [
          (encoding << 24) | (type.bitOffset << 16) | type.bits,
        ]);
      }
      case 'ptr':
      case 'typedef':
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'type_tag':
        return this.raw(type, false, 0, type.typeId, []);
      case 'array':
        return this.raw(type, false, 0, 0, [type.elementTypeId, type.indexTypeId, type.length]);
      case 'struct':
      case 'union': {
        const flag = type.members.some((member) => member.bitfieldSize !== 0);
        const words = type.members.flatMap((member) => [
          this.string(member.name),
          member.typeId,
          flag ? (member.bitfieldSize << 24) | member.bitOffset : member.bitOffset,
        ]);
        return this.raw(type, flag, type.members.length, type.sizeBytes, words);
      }
      case 'enum': {
        const words = type.values.flatMap((each) => [this.string(each.name), Number(each.value)]);
        return this.raw(type, type.signed, type.values.length, type.sizeBytes, words);
      }
      case 'enum64': {
        const words = type.values.flatMap(({ name, value }) => {
          const bits = BigInt.asUintN(64, value);
          return [this.string(name), Number(bits & 0xffffffffn), Number(bits >> 32n)];
        });
        return this.raw(type, type.signed, type.values.length, type.sizeBytes, words);
      }
      case 'fwd':
        return this.raw(type, type.union, 0, 0, []);
      case 'func':
        return this.raw(type, false, type.linkage, type.typeId, []);
      case 'func_proto': {
        const words = type.params.flatMap((param) => [this.string(param.name), param.typeId]);
        return this.raw(type, false, type.params.length, type.returnTypeId, words);
      }
      case 'var':
        return this.raw(type, false, 0, type.typeId, [type.linkage]);
      case 'datasec': {
        const words = type.entries.flatMap((each) => [each.typeId, each.offset, each.sizeBytes]);
        return this.raw(type, false, type.entries.length, type.sizeBytes, words);
      }
      case 'decl_tag':
        return this.raw(type, false, 0, type.typeId, [type.componentIndex]);
      case 'float':
        return this.raw(type, false, 0, type.sizeBytes, []);
    }
  }

  /** A type by its parts, for what add() would never write. */
  raw(
    type: { readonly kind: keyof typeof KIND | number; readonly name: string },
    flag: boolean,
    vlen: number,
    sizeOrType: number,
    words: readonly number[],
  ): number {
    const kind = typeof type.kind === 'number' ? type.kind : KIND[type.kind];
    const info = (flag ? 0x80000000 : 0) + kind * 0x1000000 + vlen;
    this.#types.push(this.string(type.name), info, sizeOrType, ...words);
    return this.#nextId++;
  }

  build(): Uint8Array<ArrayBuffer> {
    const header = 24;
    const typeBytes = this.#types.length * 4;
    const bytes = new Uint8Array(header + typeBytes + this.#strings.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, 0xeb9f, this.#little);
    bytes[2] = 1;
    const words = [header, 0, typeBytes, typeBytes, this.#strings.length];
    words.forEach((word, i) => {
      view.setUint32(4 + i * 4, word, this.#little);
    });
    this.#types.forEach((word, i) => {
      view.setUint32(header + i * 4, word >>> 0, this.#little);
    });
    bytes.set(this.#strings, header + typeBytes);
    return bytes;
  }
}
