import type { Btf } from '../../src/btf/btf.ts';
import { enumsMatching } from '../../src/btf/enums.ts';
import type { BtfMember, BtfType } from '../../src/btf/types.ts';
import { BtfBuilder, type BuilderOptions, type NewType } from './btf-builder.ts';

/** What a reduced BTF keeps. */
export interface Keep {
  /** Structs by name, with the direct members to keep, or all of them. */
  readonly structs: Readonly<Record<string, readonly string[] | 'all'>>;
  readonly enums: (name: string) => boolean;
  readonly functions: readonly string[];
  readonly typedefs: readonly string[];
  readonly variables: readonly string[];
}

export interface Reduced {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Length of the string section, base's included: where split BTF on top of this goes on. */
  readonly stringBytes: number;
}

/**
 * How a type is reached. By value its size matters, so a struct that is not kept stays as an empty
 * one of that size; through a pointer it becomes a forward declaration; `proto` keeps the prototype
 * behind a pointer, which is void otherwise.
 */
type Via = 'value' | 'pointer' | 'proto';

/** Writes the kept types and what they reach as BTF of its own (or as split BTF, see BuilderOptions). */
export function reduceBtf(btf: Btf, keep: Keep, options: BuilderOptions = {}): Reduced {
  const builder = new BtfBuilder(options);
  const ids = new Map<string, number>();
  const pending: (() => NewType)[] = [];
  const first = builder.nextId;

  const assign = (key: string, make: () => NewType): number => {
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = first + pending.length;
    ids.set(key, id);
    pending.push(make);
    return id;
  };

  const kept = (type: BtfType, member: BtfMember): boolean => {
    const wanted = keep.structs[type.name];
    return wanted === undefined || wanted === 'all' || wanted.includes(member.name);
  };

  const reach = (id: number, via: Via): number => {
    const type = btf.type(id);
    switch (type.kind) {
      case 'void':
        return 0;
      case 'struct':
      case 'union': {
        const whole = type.name === '' || keep.structs[type.name] !== undefined;
        if (via === 'pointer' && type.name === '') return 0;
        if (via === 'pointer' && !whole) {
          const union = type.kind === 'union';
          return assign(`fwd ${type.name}`, () => ({ kind: 'fwd', name: type.name, union }));
        }
        return assign(`${id}`, () => ({
          ...type,
          members: (whole ? type.members.filter((member) => kept(type, member)) : []).map(
            (member) => ({ ...member, typeId: reach(member.typeId, 'value') }),
          ),
        }));
      }
      case 'fwd':
        return assign(`fwd ${type.name}`, () => type);
      case 'ptr': {
        const inner = via === 'proto' ? 'proto' : 'pointer';
        return assign(`${id} ${inner}`, () => ({ ...type, typeId: reach(type.typeId, inner) }));
      }
      case 'typedef':
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'type_tag':
        return assign(`${id} ${via}`, () => ({ ...type, typeId: reach(type.typeId, via) }));
      case 'array':
        return assign(`${id}`, () => ({
          ...type,
          elementTypeId: reach(type.elementTypeId, 'value'),
          indexTypeId: reach(type.indexTypeId, 'value'),
        }));
      case 'enum':
      case 'enum64':
        return assign(`${id}`, () => (keep.enums(type.name) ? type : { ...type, values: [] }));
      case 'func':
        return assign(`${id}`, () => ({ ...type, typeId: reach(type.typeId, 'proto') }));
      case 'func_proto':
        if (via !== 'proto') return 0;
        return assign(`${id}`, () => ({
          ...type,
          returnTypeId: reach(type.returnTypeId, 'value'),
          params: type.params.map((each) => ({ ...each, typeId: reach(each.typeId, 'value') })),
        }));
      case 'var':
        return assign(`${id}`, () => ({ ...type, typeId: reach(type.typeId, 'value') }));
      case 'int':
      case 'float':
        return assign(`${id}`, () => type);
      case 'datasec':
      case 'decl_tag':
        throw new Error(`a ${type.kind} cannot be kept`);
    }
  };

  const root = (kind: 'struct' | 'func' | 'typedef' | 'var', name: string, via: Via): void => {
    const id = btf.findType(kind, name);
    if (id !== undefined && id >= btf.firstId) reach(id, via);
  };
  for (const name of Object.keys(keep.structs)) root('struct', name, 'value');
  for (const { id } of enumsMatching(btf, keep.enums)) reach(id, 'value');
  for (const name of keep.functions) root('func', name, 'value');
  for (const name of keep.typedefs) root('typedef', name, 'proto');
  for (const name of keep.variables) root('var', name, 'value');
  // An entry adds what it reaches to the end of the list that is being walked.
  for (const make of pending) builder.add(make());
  return { bytes: builder.build(), stringBytes: builder.stringBytes };
}
