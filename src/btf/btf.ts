import { decodeType } from './decode.ts';
import { BtfError } from './error.ts';
import { type BtfHeader, readHeader } from './header.ts';
import { NameTable } from './name-table.ts';
import { scanTypes, TYPE_BYTES, type TypeIndex } from './scan.ts';
import { type BtfComposite, type BtfKind, type BtfType, KIND, KIND_NAMES } from './types.ts';

const utf8 = new TextEncoder();

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
    return decodeType(
      { view: this.#view, littleEndian: this.littleEndian, string: (at) => this.string(at) },
      id,
      this.#offsetOf(id),
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
    for (const index of this.#names.find(KIND[kind], utf8.encode(name))) {
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
    return this.type(this.resolveId(id));
  }

  /** As resolve(), the id: what a struct is made of is not looked at. */
  resolveId(id: number): number {
    for (let step = 0, at = id; step < MAX_CHAIN; step++) {
      if (!BEHIND.has(this.kind(at))) return at;
      at = this.#sizeOrType(at);
    }
    throw new BtfError(`reading BTF: type ${id}: its typedefs and qualifiers form a cycle`);
  }

  /** Id of what a pointer points to, with its qualifiers; undefined when the type is no pointer. */
  pointeeId(id: number): number | undefined {
    const pointer = this.resolveId(id);
    return this.kind(pointer) === 'ptr' ? this.#sizeOrType(pointer) : undefined;
  }

  /**
   * Whether a parameter of a function has a type that is wanted, by id; that of `...` is 0. The function is not decoded.
   * Throws BtfError when the id is no FUNC.
   */
  someParameter(id: number, wanted: (typeId: number) => boolean): boolean {
    const proto = this.kind(id) === 'func' ? this.#sizeOrType(id) : 0;
    if (this.kind(proto) !== 'func_proto') {
      throw new BtfError(`reading the prototype of type ${id}: it is no function`);
    }
    return this.#someParameter(proto, wanted);
  }

  #someParameter(proto: number, wanted: (typeId: number) => boolean): boolean {
    if (proto < this.firstId && this.base !== undefined) {
      return this.base.#someParameter(proto, wanted);
    }
    const at = this.#offsetOf(proto);
    const trailer = at + TYPE_BYTES;
    const end = trailer + 8 * (this.#view.getUint32(at + 4, this.littleEndian) & 0xffff);
    for (let param = trailer; param < end; param += 8) {
      if (wanted(this.#view.getUint32(param + 4, this.littleEndian))) return true;
    }
    return false;
  }

  /** What a pointer points to, resolved; undefined when the type is no pointer. */
  pointee(id: number): BtfType | undefined {
    const target = this.pointeeId(id);
    return target === undefined ? undefined : this.resolve(target);
  }

  /** Size in bytes of a type as sizeof gives it: 0 for void and functions. */
  sizeOf(id: number): number {
    let count = 1;
    for (let step = 0, at = id; step < MAX_CHAIN; step++) {
      const behind = this.resolveId(at);
      const kind = this.kind(behind);
      if (kind === 'ptr') return count * this.pointerSize();
      if (SIZED.has(kind)) return count * this.#sizeOrType(behind);
      const type = this.type(behind);
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

  /** Of one of this blob's own types. Throws BtfError when there is none. */
  #offsetOf(id: number): number {
    const offset = this.#index.offsets[id - this.firstId];
    if (offset === undefined || id < 0 || id >= this.endId) {
      throw new BtfError(`reading BTF: type ${id}: there are only ${this.endId} types`);
    }
    return offset;
  }

  /** The word behind name and info: the type that it refers to, or its size. */
  #sizeOrType(id: number): number {
    if (id < this.firstId && this.base !== undefined) return this.base.#sizeOrType(id);
    return this.#view.getUint32(this.#offsetOf(id) + 8, this.littleEndian);
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

/** What resolve() looks behind. */
const BEHIND: ReadonlySet<BtfKind> = new Set([
  'typedef',
  'volatile',
  'const',
  'restrict',
  'type_tag',
]);

/** Kinds whose size stands beside their name. */
const SIZED: ReadonlySet<BtfKind> = new Set(['int', 'struct', 'union', 'enum', 'enum64', 'float']);

/** BTF without any string: the empty name at offset 0 is still there. */
const EMPTY = { bytes: new Uint8Array(1), start: 0 } as const;
