import type { Btf } from './btf.ts';
import type { BtfEnum } from './types.ts';

/** Values of an enum (ENUM or ENUM64) by name; undefined when the BTF has no such enum. */
export function enumValues(btf: Btf, name: string): Map<string, bigint> | undefined {
  const id = btf.findType('enum', name) ?? btf.findType('enum64', name);
  const type = id === undefined ? undefined : btf.type(id);
  if (type?.kind !== 'enum' && type?.kind !== 'enum64') return undefined;
  return new Map(type.values.map((each) => [each.name, each.value]));
}

/** This blob's own enums whose name satisfies the predicate; anonymous ones are left out. */
export function* enumsMatching(btf: Btf, matches: (name: string) => boolean): Generator<BtfEnum> {
  for (const kind of ['enum', 'enum64'] as const) {
    for (const id of btf.idsOfKind(kind)) {
      const name = btf.name(id);
      if (name === '' || !matches(name)) continue;
      const type = btf.type(id);
      if (type.kind === 'enum' || type.kind === 'enum64') yield type;
    }
  }
}
