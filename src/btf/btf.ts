import { decodeType } from './decode.ts';
import { BtfError } from './error.ts';
import { type BtfHeader, readHeader } from './header.ts';
import { NameTable } from './name-table.ts';
import { scanTypes, type TypeIndex } from './scan.ts';
import { type BtfComposite, type BtfKind, type BtfType, KIND, KIND_NAMES } from './types.ts';

/** No real chain of typedefs, qualifiers and tags is a tenth as long; a longer one is a cycle. */
const MAX_CHAIN = 64;

/**
 * The types of a kernel, or (split BTF) of one of its modules: their ids and string offsets
 * continue those of the base, and their references may point into it. Nothing but the places of
 * the types is read at first; a type is decoded each time that it is asked for.
 */
export class Btf {
  readonly base: Btf | undefined;
  readonly littleEndian: boolean;
  /** Ids of this blob's own types run from firstId to endId - 1; id 0 is void. */
  readonly firstId: number;
  readonly endId: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #header: BtfHeader;
  readonly #index: TypeIndex;
  readonly #firstString: number;
  readonly #endString: number;
  #names: NameTable | undefined;
  #pointerSize: number | undefined;

  private constructor(bytes: Uint8Array, base: Btf | undefined) {
    this.base = base;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#header = readHeader(bytes);
    this.littleEndian = this.#header.littleEndian;
    if (base !== undefined && base.littleEndian !== this.littleEndian) {
      throw new BtfError('reading split BTF: its byte order differs from that of its base');
    }
    this.#index = scanTypes(this.#view, this.#header);
    this.firstId = base?.endId ?? 1;
    this.endId = this.firstId + this.#index.count;
    this.#firstString = base === undefined ? 0 : base.#endString;
    this.#endString = this.#firstString + this.#header.stringsEnd - this.#header.stringsStart;
  }

  /**
   * Reads BTF as /sys/kernel/btf has it. The bytes are kept, not copied. `base` is the kernel's
   * own BTF when these are a module's. Throws BtfError when the bytes are not sound.
   */
  static parse(bytes: Uint8Array, base?: Btf): Btf {
    return new Btf(bytes, base);
  }

  /** The type with that id. Throws BtfError when there is none. */
  type(id: number): BtfType {
    if (id === 0) return { kind: 'void', id, name: '', sizeBytes: 0 };
    if (id < this.firstId && this.base !== undefined) return this.base.type(id);
    const offset = this.#index.offsets[id - this.firstId];
    if (offset === undefined || id < 0 || id >= this.endId) {
      throw new BtfError(`reading BTF: type ${id}: there are only ${this.endId} types`);
    }
    return decodeType(
      { view: this.#view, littleEndian: this.littleEndian, string: (at) => this.string(at) },
      id,
      offset,
    );
  }

  kind(id: number): BtfKind {
    if (id < this.firstId && this.base !== undefined) return this.base.kind(id);
    return KIND_NAMES[this.#index.kinds[id - this.firstId] ?? 0] ?? 'void';
  }

  /** The name of a type without decoding the rest of it; empty when it has none. */
  name(id: number): string {
    if (id === 0) return '';
    if (id < this.firstId && this.base !== undefined) return this.base.name(id);
    const offset = this.#index.offsets[id - this.firstId];
    return offset === undefined || id >= this.endId
      ? this.type(id).name
      : this.string(this.#view.getUint32(offset, this.littleEndian));
  }

  /** The string at an offset of the string section. Throws BtfError when it is out of range. */
  string(offset: number): string {
    const { bytes, start } = this.#locateString(offset);
    let text = '';
    for (let i = start; i < bytes.length; i++) {
      const byte = bytes[i] ?? 0;
      if (byte === 0) break;
      // Names of C are ASCII, those of Rust need not be.
      if (byte >= 0x80) return new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, i)));
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /**
   * The first type of that kind and name: a module's own before its base's, as the module's source
   * would mean it.
   */
  findType(kind: BtfKind, name: string): number | undefined {
    for (const id of this.findTypes(kind, name)) return id;
    return undefined;
  }

  /** All types of that kind and name, own ones first: a kernel may have several static functions of one name. */
  *findTypes(kind: BtfKind, name: string): Generator<number> {
    if (name === '') return;
    this.#names ??= new NameTable({
      index: this.#index,
      locateName: (index) =>
        this.#locateString(
          this.#view.getUint32(this.#index.offsets[index] ?? 0, this.littleEndian),
        ),
    });
    for (const index of this.#names.find(KIND[kind], new TextEncoder().encode(name))) {
      yield this.firstId + index;
    }
    if (this.base !== undefined) yield* this.base.findTypes(kind, name);
  }

  /** Ids of this blob's own types of one kind, in order. */
  *idsOfKind(kind: BtfKind): Generator<number> {
    const wanted = KIND[kind];
    const { kinds, count } = this.#index;
    for (let i = 0; i < count; i++) if (kinds[i] === wanted) yield this.firstId + i;
  }

  /** The struct of that name, else the union; undefined when the BTF defines neither. */
  struct(name: string): BtfComposite | undefined {
    const id = this.findType('struct', name) ?? this.findType('union', name);
    const type = id === undefined ? undefined : this.type(id);
    return type?.kind === 'struct' || type?.kind === 'union' ? type : undefined;
  }

  /** The type behind typedefs, qualifiers and type tags. Throws BtfError on a cycle. */
  resolve(id: number): BtfType {
    for (let step = 0, at = id; step < MAX_CHAIN; step++) {
      const type = this.type(at);
      switch (type.kind) {
        case 'typedef':
        case 'volatile':
        case 'const':
        case 'restrict':
        case 'type_tag':
          at = type.typeId;
          break;
        default:
          return type;
      }
    }
    throw new BtfError(`reading BTF: type ${id}: its typedefs and qualifiers form a cycle`);
  }

  /** What a pointer points to, resolved; undefined when the type is no pointer. */
  pointee(id: number): BtfType | undefined {
    const type = this.resolve(id);
    return type.kind === 'ptr' ? this.resolve(type.typeId) : undefined;
  }

  /** Size in bytes of a type as sizeof gives it: 0 for void and functions. */
  sizeOf(id: number): number {
    let count = 1;
    for (let step = 0, at = id; step < MAX_CHAIN; step++) {
      const type = this.resolve(at);
      if (type.kind === 'ptr') return count * this.pointerSize();
      if (type.kind !== 'array') return count * ('sizeBytes' in type ? type.sizeBytes : 0);
      count *= type.length;
      at = type.elementTypeId;
    }
    throw new BtfError(`reading BTF: type ${id}: its array elements form a cycle`);
  }

  /** BTF does not record the size of a pointer: it is that of `unsigned long`. */
  pointerSize(): number {
    if (this.base !== undefined) return this.base.pointerSize();
    if (this.#pointerSize === undefined) {
      const id = this.findType('int', 'unsigned long') ?? this.findType('int', 'long unsigned int');
      const type = id === undefined ? undefined : this.type(id);
      this.#pointerSize = type?.kind === 'int' ? type.sizeBytes : 8;
    }
    return this.#pointerSize;
  }

  #locateString(offset: number): { readonly bytes: Uint8Array; readonly start: number } {
    if (offset < this.#firstString && this.base !== undefined) {
      return this.base.#locateString(offset);
    }
    const start = this.#header.stringsStart + offset - this.#firstString;
    if (start >= this.#header.stringsEnd) {
      if (offset === 0) return EMPTY;
      throw new BtfError(`reading BTF: string at ${offset}: the strings end at ${this.#endString}`);
    }
    return { bytes: this.#bytes, start };
  }
}

/** BTF without any string: the empty name at offset 0 is still there. */
const EMPTY = { bytes: new Uint8Array(1), start: 0 } as const;
