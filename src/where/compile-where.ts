import type { Btf } from '../btf/btf.ts';
import type { Condition, MemberRead, Value } from './condition.ts';
import { emitWhereHeader } from './emit-c.ts';
import { SOCK_STATE } from './emit-read.ts';
import type { WhereNames } from './names.ts';
import { parseWhere } from './parse.ts';
import { resolveWhere } from './resolve.ts';

/** --where as the program has it. */
export interface WhereProgram {
  /** The text of where.gen.h. */
  readonly header: string;
  /** What XCAP_WHERE_VALUE_i in it stands for: numbers of this run. */
  readonly values: readonly bigint[];
  /** Members of kernel structs that it reads, for emitStructs(). */
  readonly structs: Readonly<Record<string, readonly string[]>>;
  /** There is a condition. */
  readonly conditional: boolean;
}

/**
 * All of several --where as C for the kernel whose BTF this is; without any, a function that never
 * rejects.
 *
 * @throws FilterError with the place of what is wrong; what `names` throws beside UsageError
 */
export function compileWhere(
  expressions: readonly string[],
  btf: Btf,
  names: WhereNames,
): WhereProgram {
  const of = expressions.map((expression) =>
    resolveWhere({ expression, btf, names }, parseWhere(expression)),
  );
  const [only] = of;
  const condition: Condition | undefined = of.length > 1 ? { kind: 'and', of } : only;
  const structs = new Map<string, Set<string>>();
  for (const read of condition === undefined ? [] : readsOf(condition)) {
    for (const { struct, member } of read.hops) {
      const members = structs.get(struct) ?? new Set();
      members.add(member.replace(/\[.*$/, ''));
      if (struct === 'sock') members.add(SOCK_STATE);
      structs.set(struct, members);
    }
  }
  return {
    ...emitWhereHeader(condition, { littleEndian: btf.littleEndian }),
    structs: Object.fromEntries([...structs].map(([name, members]) => [name, [...members]])),
    conditional: condition !== undefined,
  };
}

function* readsOf(condition: Condition): Generator<MemberRead> {
  switch (condition.kind) {
    case 'and':
    case 'or':
      for (const each of condition.of) yield* readsOf(each);
      break;
    case 'not':
      yield* readsOf(condition.of);
      break;
    case 'compare':
      yield* readsOfValue(condition.left);
      yield* readsOfValue(condition.right);
      break;
    case 'within':
      yield* readsOfValue(condition.value);
      break;
    case 'text':
      if (condition.source.kind === 'member') yield condition.source;
      break;
  }
}

function* readsOfValue(value: Value): Generator<MemberRead> {
  switch (value.kind) {
    case 'member':
      yield value;
      break;
    case 'mask':
      yield* readsOfValue(value.left);
      yield* readsOfValue(value.right);
      break;
    case 'swap':
      yield* readsOfValue(value.of);
      break;
    case 'constant':
    case 'field':
      break;
  }
}
