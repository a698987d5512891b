import { describe, expect, test } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import type { BtfMember } from '../../../src/btf/types.ts';
import { typedLoad } from '../../../src/where/typed-walk.ts';
import { BtfBuilder } from '../../support/btf-builder.ts';

const member = (name: string, typeId: number, byte: number): BtfMember => ({
  name,
  typeId,
  bitOffset: byte * 8,
  bitfieldSize: 0,
});

/** struct s { union { struct { u16 a, b; } pair; u32 both; }; struct t *to; union { u64 n; struct t *u; }; u8 bytes[8]; } */
function build(): Btf {
  const b = new BtfBuilder();
  b.int('unsigned long', 8);
  const [u8, u16, u32, u64] = [b.int('u8', 1), b.int('u16', 2), b.int('u32', 4), b.int('u64', 8)];
  const t = b.add({ kind: 'struct', name: 't', sizeBytes: 4, members: [member('x', u32, 0)] });
  const pointer = b.add({ kind: 'ptr', name: '', typeId: t });
  const pair = [member('a', u16, 0), member('b', u16, 2)];
  const inner = b.add({ kind: 'struct', name: '', sizeBytes: 4, members: pair });
  const first = [member('pair', inner, 0), member('both', u32, 0)];
  const one = b.add({ kind: 'union', name: '', sizeBytes: 4, members: first });
  const second = [member('n', u64, 0), member('u', pointer, 0)];
  const two = b.add({ kind: 'union', name: '', sizeBytes: 8, members: second });
  const array = {
    kind: 'array',
    name: '',
    elementTypeId: u8,
    indexTypeId: u32,
    length: 8,
  } as const;
  const members = [
    member('', one, 0),
    member('to', pointer, 8),
    member('', two, 16),
    member('bytes', b.add(array), 24),
    { ...member('bit', u32, 32), bitfieldSize: 3 },
  ];
  b.add({ kind: 'struct', name: 's', sizeBytes: 40, members });
  return Btf.parse(b.build());
}

describe('typedLoad()', () => {
  const btf = build();
  const s = btf.struct('s')!;
  const t = btf.struct('t')!;

  test.each([
    ['a member of a nested struct', 2, 2, { kind: 'scalar' }],
    ['a pointer to a struct', 8, 8, { kind: 'pointer', structId: t.id }],
    ['half a pointer', 8, 4, undefined],
    ['a union member wider than the first', 0, 4, undefined],
    ['a number in front of a pointer', 16, 8, { kind: 'scalar' }],
    ['an element of an array', 27, 1, { kind: 'scalar' }],
    ['several elements of an array', 24, 8, { kind: 'scalar' }],
    ['past the end of an array', 30, 4, undefined],
    ['a bit-field', 32, 4, undefined],
    ['a hole', 36, 4, undefined],
    ['past the end', 40, 1, undefined],
  ])('of %s', (_, offset, size, expected) => {
    expect(typedLoad(btf, s, offset, size)).toEqual(expected);
  });
});
