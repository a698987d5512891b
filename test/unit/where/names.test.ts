import { describe, expect, test } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import type { BtfEnum } from '../../../src/btf/types.ts';
import { valuesOfName, type Vocabulary } from '../../../src/where/names.ts';
import { BtfBuilder } from '../../support/btf-builder.ts';
import { complaint, NAMES } from './support/scope.ts';

/** `enum color { RED, BLUE = 7 }`, and nameless enums that agree on SAME and not on OTHER. */
function build(): Btf {
  const b = new BtfBuilder();
  const add = (name: string, values: Record<string, bigint>): number =>
    b.add({
      kind: 'enum',
      name,
      sizeBytes: 4,
      signed: false,
      values: Object.entries(values).map(([key, value]) => ({ name: key, value })),
    });
  add('color', { RED: 0n, BLUE: 7n });
  add('', { SAME: 3n, OTHER: 1n });
  add('', { SAME: 3n, OTHER: 2n });
  return Btf.parse(b.build());
}

describe('valuesOfName()', () => {
  const btf = build();
  const color = btf.type(btf.findType('enum', 'color')!) as BtfEnum;
  const ask = (vocabulary: Vocabulary, text: string): readonly unknown[] => {
    const name = { expression: text, at: { start: 0, end: text.length }, text };
    return valuesOfName(btf, NAMES, vocabulary, name);
  };

  test.each<[Vocabulary, string, bigint]>([
    [color, 'BLUE', 7n],
    ['any', 'RED', 0n],
    ['any', 'SAME', 3n],
    ['context', 'nmi', 4n],
    ['reason', 'NO_SOCKET', 3n],
  ])('takes a name of %o: %s', (vocabulary, name, value) => {
    expect(ask(vocabulary, name)).toEqual([{ from: value, to: value }]);
  });

  test.each<[Vocabulary, string, RegExp, RegExp | undefined]>([
    [color, 'BLEU', /enum color of this kernel has no such value/, /did you mean BLUE/],
    [color, 'SAME', /no such value/, /it takes RED, BLUE/],
    ['any', 'OTHER', /enums of this kernel disagree/, /1 or 2/],
    ['any', 'SAMEE', /no field, and no enum/, /did you mean SAME/],
    ['context', 'constructor', /no such context/, /process/],
    ['reason', 'NOPE', /^NOPE: this kernel has no such reason$/, /did you mean/],
  ])('refuses a name that is none of %o: %s', (vocabulary, name, why, hint) => {
    const found = complaint(name, () => ask(vocabulary, name));
    expect(found.why).toMatch(why);
    if (hint !== undefined) expect(found.hint).toMatch(hint);
  });
});
