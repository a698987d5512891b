import type { Btf } from '../btf/btf.ts';
import type { BtfArray, BtfComposite, BtfEnum, BtfReference, BtfType } from '../btf/types.ts';
import { nearest } from '../util/nearest.ts';
import type { IndexStep, NameStep, PathOperand } from './ast.ts';
import { type Hop, type MemberRead, type Root, ROOT_STRUCTS } from './condition.ts';
import { findMemberAs, memberNames } from './member-names.ts';
import { typedLoad } from './typed-walk.ts';
import { type Span, whereError } from './where-error.ts';

export type MemberType =
  | { readonly kind: 'number'; readonly values: BtfEnum | undefined }
  | { readonly kind: 'text' }
  | { readonly kind: 'pointer' };

export interface ResolvedMember {
  readonly read: MemberRead;
  readonly type: MemberType;
}

/** An address is one, whatever it points to. */
const ADDRESS = { form: 'pointer', bits: 64, signed: false, sizeBytes: 0 } as const;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * What `skb.dev.mtu` means on this kernel: a dot goes into a struct, or through a pointer to one.
 *
 * @throws FilterError at the step that leads nowhere
 */
export function resolveMember(
  btf: Btf,
  expression: string,
  root: Root,
  path: PathOperand,
): ResolvedMember {
  const struct = btf.struct(ROOT_STRUCTS[root]);
  if (struct === undefined) {
    throw whereError(expression, path, `this kernel describes no struct ${ROOT_STRUCTS[root]}`);
  }
  if (path.steps.length === 1) {
    return { read: { kind: 'member', root, hops: [], ...ADDRESS }, type: { kind: 'pointer' } };
  }
  const walk = new Walk(btf, expression, root, struct);
  for (const step of path.steps.slice(1)) {
    if (step.kind === 'name') walk.enter(step);
    else walk.index(step);
  }
  const { hops, last, type } = walk.end(path);
  return { read: { kind: 'member', root, hops, ...last }, type };
}

/** One member that was walked to. */
interface Place {
  readonly at: Span;
  readonly typeId: number;
  /** From the start of the struct that the last pointer leads to. */
  readonly bitOffset: number;
  readonly bitfieldSize: number;
}

class Walk {
  readonly #btf: Btf;
  readonly #expression: string;
  readonly #hops: Hop[] = [];
  #struct: BtfComposite;
  #member = '';
  #place: Place | undefined;
  /** The verifier knows the pointer that the next load goes through. */
  #typed: boolean;

  constructor(btf: Btf, expression: string, root: Root, struct: BtfComposite) {
    this.#btf = btf;
    this.#expression = expression;
    this.#struct = struct;
    // The device may have been found through the route: an address for probe reads.
    this.#typed = root !== 'dev';
  }

  enter(step: NameStep): void {
    const { container, bitOffset } = this.#open(step);
    const found = findMemberAs(this.#btf, container, step.name);
    if (found === undefined) throw this.#noMember(step, container);
    const { member, spelled } = found;
    this.#member += `${this.#member === '' ? '' : '.'}${spelled}`;
    this.#place = {
      at: step,
      typeId: member.typeId,
      bitOffset: bitOffset + member.bitOffset,
      bitfieldSize: member.bitfieldSize,
    };
  }

  index(step: IndexStep): void {
    const place = this.#place;
    const type = place === undefined ? undefined : this.#btf.resolve(place.typeId);
    if (place === undefined || type?.kind !== 'array') {
      throw this.#error(step, 'what stands before it is no array');
    }
    if (step.index >= type.length) {
      throw this.#error(step, `out of range: the array has ${type.length} elements`);
    }
    this.#member += `[${step.index}]`;
    const bytes = step.index * this.#btf.sizeOf(type.elementTypeId);
    this.#place = {
      at: step,
      typeId: type.elementTypeId,
      bitOffset: place.bitOffset + bytes * 8,
      bitfieldSize: 0,
    };
  }

  /** What the last step reads. */
  end(path: Span) {
    const place = this.#place;
    if (place === undefined) throw new RangeError('a path has members');
    const type = this.#btf.resolve(place.typeId);
    const { last, meaning, load } = this.#describe(type, place, path);
    const typed = load !== undefined && this.#typed && this.#load(place, load)?.kind === 'scalar';
    this.#hops.push(this.#hop(typed));
    return { hops: this.#hops, last, type: meaning };
  }

  #describe(
    type: BtfType,
    place: Place,
    path: Span,
  ): {
    readonly last: Pick<MemberRead, 'form' | 'bits' | 'signed' | 'sizeBytes'>;
    readonly meaning: MemberType;
    /** Bytes of a load that may be a typed one. */
    readonly load?: number;
  } {
    switch (type.kind) {
      case 'int':
      case 'enum':
      case 'enum64': {
        const { sizeBytes, signed } = type;
        if (![1, 2, 4, 8].includes(sizeBytes)) {
          throw this.#error(path, `a number of ${sizeBytes} bytes: at most 8 can be compared`);
        }
        const meaning = { kind: 'number', values: type.kind === 'int' ? undefined : type } as const;
        if (place.bitfieldSize !== 0) {
          const bits = place.bitfieldSize;
          return { last: { form: 'bit-field', bits, signed, sizeBytes }, meaning };
        }
        const last = { form: 'integer', bits: sizeBytes * 8, signed, sizeBytes } as const;
        return { last, meaning, load: sizeBytes };
      }
      case 'ptr': {
        const text = isChar(this.#btf.resolve(type.typeId));
        const last = text ? ({ ...ADDRESS, form: 'char-pointer' } as const) : ADDRESS;
        return { last, meaning: { kind: text ? 'text' : 'pointer' } };
      }
      case 'array':
        return this.#describeArray(type, path);
      case 'struct':
      case 'union':
        throw this.#error(path, `a ${type.kind}: name one of its members`, this.#someMembers(type));
      default:
        throw this.#error(path, `of a type that cannot be compared: ${type.kind}`);
    }
  }

  #describeArray(type: BtfArray, path: Span) {
    const element = this.#btf.resolve(type.elementTypeId);
    if (isChar(element) && type.length > 0) {
      const last = { form: 'char-array', bits: 8, signed: false, sizeBytes: type.length } as const;
      return { last, meaning: { kind: 'text' } as const };
    }
    const name = this.#expression.slice(path.start, path.end);
    const hint = type.length === 0 ? undefined : `${name}[0] to ${name}[${type.length - 1}]`;
    throw this.#error(path, 'an array: name one of its elements', hint);
  }

  /** The struct that the next name is looked for in: a nested one, or that behind a pointer. */
  #open(step: NameStep): { readonly container: BtfComposite; readonly bitOffset: number } {
    const place = this.#place;
    if (place === undefined) return { container: this.#struct, bitOffset: 0 };
    const type = this.#btf.resolve(place.typeId);
    switch (type.kind) {
      case 'struct':
      case 'union':
        if (this.#member.endsWith(']')) {
          throw this.#error(place.at, 'an element that is a struct cannot be looked into');
        }
        return { container: type, bitOffset: place.bitOffset };
      case 'ptr':
        return { container: this.#follow(type, place), bitOffset: 0 };
      case 'array':
        throw this.#error(step, 'what stands before it is an array: choose an element by [0]');
      default:
        throw this.#error(step, 'what stands before it is a number and has no members');
    }
  }

  #follow(pointer: BtfReference, place: Place): BtfComposite {
    const target = this.#btf.resolve(pointer.typeId);
    const tag = this.#btf.type(pointer.typeId);
    if (tag.kind === 'type_tag' && (tag.name === 'percpu' || tag.name === 'user')) {
      throw this.#error(place.at, `a pointer to ${tag.name} memory cannot be followed`);
    }
    if (target.kind === 'fwd') {
      const why = `the kernel's types do not describe ${target.name}, which it points to`;
      throw this.#error(place.at, why, "a module's types are not looked into");
    }
    if (target.kind !== 'struct' && target.kind !== 'union') {
      throw this.#error(place.at, 'a pointer, but not to a struct');
    }
    // The C is made by the struct's name.
    if (!IDENTIFIER.test(target.name) || this.#btf.struct(target.name)?.id !== target.id) {
      throw this.#error(place.at, `a pointer to a ${target.kind} that has no name of its own`);
    }
    const load = this.#typed ? this.#load(place, this.#btf.pointerSize()) : undefined;
    this.#typed = load?.kind === 'pointer' && load.structId === target.id;
    this.#hops.push(this.#hop(this.#typed));
    this.#struct = target;
    this.#member = '';
    return target;
  }

  #hop(typed: boolean): Hop {
    const { kind, name } = this.#struct;
    return { keyword: kind, struct: name, member: this.#member, typed };
  }

  #load(place: Place, bytes: number) {
    if (place.bitOffset % 8 !== 0) return undefined;
    return typedLoad(this.#btf, this.#struct, place.bitOffset / 8, bytes);
  }

  #noMember(step: NameStep, container: BtfComposite): Error {
    const near = nearest(step.name, memberNames(this.#btf, container));
    const where = container.name === '' ? `that ${container.kind}` : `struct ${container.name}`;
    const hint =
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : this.#someMembers(container);
    return this.#error(step, `${where} of this kernel has no such member`, hint);
  }

  #someMembers(type: BtfComposite): string | undefined {
    const names = [...memberNames(this.#btf, type)];
    if (names.length === 0) return undefined;
    return `it has ${names.slice(0, 6).join(', ')}${names.length > 6 ? ', ...' : ''}`;
  }

  #error(at: Span, why: string, hint?: string): Error {
    return whereError(this.#expression, at, why, hint);
  }
}

function isChar(type: BtfType): boolean {
  return type.kind === 'int' && type.name === 'char';
}
