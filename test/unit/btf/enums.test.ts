import { expect, test } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import { enumsMatching, enumValues } from '../../../src/btf/enums.ts';
import { BtfBuilder } from '../../support/btf-builder.ts';

const builder = new BtfBuilder();
builder.add({
  kind: 'enum',
  name: 'a_drop_reason',
  sizeBytes: 4,
  signed: true,
  values: [{ name: 'M', value: -1n }],
});
builder.add({
  kind: 'enum',
  name: '',
  sizeBytes: 4,
  signed: false,
  values: [{ name: 'ANONYMOUS', value: 1n }],
});
builder.add({
  kind: 'enum64',
  name: 'b_drop_reason',
  sizeBytes: 8,
  signed: false,
  values: [{ name: 'B', value: 1n << 40n }],
});
const btf = Btf.parse(builder.build());

test('enumValues() reads enums of both sizes', () => {
  expect(enumValues(btf, 'a_drop_reason')).toEqual(new Map([['M', -1n]]));
  expect(enumValues(btf, 'b_drop_reason')).toEqual(new Map([['B', 1n << 40n]]));
  expect(enumValues(btf, 'c_drop_reason')).toBeUndefined();
});

test('enumsMatching() gives named enums of both sizes', () => {
  const names = [...enumsMatching(btf, () => true)].map((each) => each.name);
  expect(names).toEqual(['a_drop_reason', 'b_drop_reason']);
});
