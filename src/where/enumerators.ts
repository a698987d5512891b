import type { Btf } from '../btf/btf.ts';
import type { BtfEnumerator } from '../btf/types.ts';

/** Every enumerator of the kernel, of named and of nameless enums: `TCP_LISTEN`, `IFF_UP`. */
export function* allEnumerators(btf: Btf): Generator<BtfEnumerator> {
  for (const kind of ['enum', 'enum64'] as const) {
    for (const id of btf.idsOfKind(kind)) {
      const type = btf.type(id);
      if (type.kind === 'enum' || type.kind === 'enum64') yield* type.values;
    }
  }
}

/** The values that enumerators of that name have: several when enums disagree. */
export function enumeratorValues(btf: Btf, name: string): readonly bigint[] {
  const values = new Set<bigint>();
  for (const each of allEnumerators(btf)) if (each.name === name) values.add(each.value);
  return [...values];
}
