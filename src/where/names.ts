import type { Btf } from '../btf/btf.ts';
import type { BtfEnum } from '../btf/types.ts';
import { UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import type { ValueRange } from './condition.ts';
import { allEnumerators, enumeratorValues } from './enumerators.ts';
import { type Domain, VALUE_NAMES } from './fields.ts';
import { type Span, whereError } from './where-error.ts';

/** Names that only the running system knows; each throws UsageError when it does not know one. */
export interface WhereNames {
  /** A name, or a number in words: the number of a drop reason. */
  readonly reason: (text: string) => number;
  /** As --netns takes it: the inode number. */
  readonly netns: (text: string) => number;
  /** The index in this run. */
  readonly hook: (text: string) => number;
  /** The addresses of the functions of that name, both ends included. */
  readonly location: (text: string) => readonly ValueRange[];
}

/** What the names of an operand's values are: of a field, of an enum, or any enumerator's. */
export type Vocabulary = Domain | BtfEnum | 'any';

/** A name in the text of one --where. */
export interface NameAt {
  readonly expression: string;
  readonly at: Span;
  readonly text: string;
}

/**
 * The values that a name stands for: one, but for functions.
 *
 * @throws FilterError for an unknown one, with the nearest names
 */
export function valuesOfName(
  btf: Btf,
  names: WhereNames,
  vocabulary: Vocabulary,
  name: NameAt,
): readonly ValueRange[] {
  const one = (value: bigint | number): readonly ValueRange[] => [
    { from: BigInt(value), to: BigInt(value) },
  ];
  if (typeof vocabulary === 'object') return one(enumerator(vocabulary, name));
  switch (vocabulary) {
    case 'any':
      return one(anyEnumerator(btf, name));
    case 'reason':
    case 'hook':
      return one(asked(name, () => names[vocabulary](name.text)));
    case 'netns':
      return ofRun(one(asked(name, () => names.netns(name.text))));
    case 'location':
      return ofRun(asked(name, () => names.location(name.text)));
    default: {
      const known = VALUE_NAMES[vocabulary] ?? {};
      const value = Object.hasOwn(known, name.text) ? known[name.text] : undefined;
      if (value !== undefined) return one(value);
      const hint = `it takes ${Object.keys(known).join(', ')}, or a number`;
      throw whereError(name.expression, name.at, `no such ${vocabulary.replace('_', ' ')}`, hint);
    }
  }
}

const ofRun = (ranges: readonly ValueRange[]): readonly ValueRange[] =>
  ranges.map(({ from, to }) => ({ from, to, ofRun: true }));

/** "choosing namespaces: blu: no such namespace" becomes an error with a place. */
function asked<T>(name: NameAt, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const why = error.message.split(': ').at(-1) ?? error.message;
    throw whereError(name.expression, name.at, why, error.hint, error);
  }
}

function enumerator(type: BtfEnum, name: NameAt): bigint {
  const found = type.values.find((each) => each.name === name.text);
  if (found !== undefined) return found.value;
  const known = type.values.map((each) => each.name);
  const near = nearest(name.text, known);
  const some = `${known.slice(0, 6).join(', ')}${known.length > 6 ? ', ...' : ''}`;
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it takes ${some}`;
  const which = type.name === '' ? 'the enum' : `enum ${type.name}`;
  throw whereError(name.expression, name.at, `${which} of this kernel has no such value`, hint);
}

function anyEnumerator(btf: Btf, name: NameAt): bigint {
  const values = enumeratorValues(btf, name.text);
  const [value] = values;
  if (value !== undefined && values.length === 1) return value;
  if (values.length > 1) {
    const hint = `give the number: ${values.join(' or ')}`;
    throw whereError(name.expression, name.at, 'enums of this kernel disagree on its value', hint);
  }
  const near = nearest(name.text, new Set([...allEnumerators(btf)].map((each) => each.name)));
  const hint =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : 'names are those of enums; what the kernel has as a #define is given as a number';
  const why = 'no field, and no enum of this kernel has such a value';
  throw whereError(name.expression, name.at, why, hint);
}
