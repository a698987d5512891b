import { describe, expect, test } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import { memberPath } from '../../../src/btf/members.ts';
import type { BtfMember } from '../../../src/btf/types.ts';
import { readKernelBtf } from '../../../src/kernel/view.ts';
import { BtfBuilder } from '../../support/btf-builder.ts';
import { recordedKernel } from '../../support/kernels.ts';

const member = (name: string, typeId: number, bitOffset: number, bitfieldSize = 0): BtfMember => ({
  name,
  typeId,
  bitOffset,
  bitfieldSize,
});

describe('memberPath()', () => {
  const builder = new BtfBuilder();
  const int = builder.int('int', 4, true);
  const ptr = builder.add({ kind: 'ptr', name: '', typeId: 0 });
  const inner = builder.add({
    kind: 'struct',
    name: '',
    sizeBytes: 16,
    members: [member('x', int, 0), member('y', ptr, 64)],
  });
  const union = builder.add({
    kind: 'union',
    name: '',
    sizeBytes: 16,
    members: [member('', inner, 0), member('raw', int, 0)],
  });
  const named = builder.add({
    kind: 'struct',
    name: 'inner',
    sizeBytes: 8,
    members: [member('flag', int, 0, 3), member('', int, 3, 5), member('late', int, 32)],
  });
  const alias = builder.add({ kind: 'typedef', name: 'inner_t', typeId: named });
  builder.add({
    kind: 'struct',
    name: 'outer',
    sizeBytes: 48,
    members: [
      member('a', int, 0, 0),
      member('', union, 64),
      member('in', alias, 192),
      member('p', ptr, 256),
    ],
  });
  const btf = Btf.parse(builder.build());

  test.each([
    ['a', { offsetBytes: 0, sizeBytes: 4, typeId: int }],
    ['x', { offsetBytes: 8, sizeBytes: 4, typeId: int }],
    ['y', { offsetBytes: 16, sizeBytes: 8, typeId: ptr }],
    ['raw', { offsetBytes: 8, sizeBytes: 4, typeId: int }],
    ['in.late', { offsetBytes: 28, sizeBytes: 4, typeId: int }],
    ['in', { offsetBytes: 24, sizeBytes: 8, typeId: alias }],
  ])('%s is found', (path, place) => {
    expect(memberPath(btf, 'outer', path)).toEqual({ offsetBits: 0, bitfieldSize: 0, ...place });
  });

  test('a bit-field of a nested struct has its bits', () => {
    expect(memberPath(btf, 'outer', 'in.flag')).toMatchObject({
      offsetBytes: 24,
      offsetBits: 0,
      bitfieldSize: 3,
    });
  });

  test.each(['b', 'in.b', '', 'a.', 'outer'])('%j is undefined', (path) => {
    if (path === 'a.') expect(() => memberPath(btf, 'outer', path)).toThrow(/it is no struct/);
    else expect(memberPath(btf, 'outer', path)).toBeUndefined();
  });

  test('a struct that is not there is undefined', () => {
    expect(memberPath(btf, 'none', 'a')).toBeUndefined();
  });

  test('a path through a pointer is refused', () => {
    expect(() => memberPath(btf, 'outer', 'p.x')).toThrow(/p: it is no struct but ptr/);
  });

  test('a bit-field written before kind_flag has its width in its type', () => {
    const old = new BtfBuilder();
    const narrow = old.add({
      kind: 'int',
      name: 'unsigned int',
      sizeBytes: 4,
      bits: 3,
      bitOffset: 5,
      signed: false,
      char: false,
      bool: false,
    });
    old.add({ kind: 'struct', name: 's', sizeBytes: 8, members: [member('f', narrow, 32)] });
    expect(memberPath(Btf.parse(old.build()), 's', 'f')).toMatchObject({
      offsetBytes: 4,
      offsetBits: 5,
      bitfieldSize: 3,
    });
  });

  test('an anonymous struct that holds itself is refused', () => {
    const cyclic = new BtfBuilder();
    cyclic.add({ kind: 'struct', name: '', sizeBytes: 4, members: [member('', 1, 0)] });
    cyclic.add({ kind: 'struct', name: 's', sizeBytes: 4, members: [member('', 1, 0)] });
    expect(() => memberPath(Btf.parse(cyclic.build()), 's', 'x')).toThrow(/cycle/);
  });
});

// Checked against what clang makes of `bpftool btf dump format c` of the whole BTF.
test.each([
  ['5.10', 'sk_buff', 'pkt_type', { offsetBytes: 128, offsetBits: 0, bitfieldSize: 3 }],
  ['5.10', 'sk_buff', 'head', { offsetBytes: 192, sizeBytes: 8 }],
  ['6.1', 'sk_buff', 'pkt_type', { offsetBytes: 128, offsetBits: 0, bitfieldSize: 3 }],
  ['6.12', 'net', 'ns.inum', { offsetBytes: 136, sizeBytes: 4 }],
  ['6.12', 'pcpu_hot', 'preempt_count', { offsetBytes: 8, sizeBytes: 4 }],
  ['7.2', 'net', 'ns.inum', { offsetBytes: 280, sizeBytes: 4 }],
  ['7.2', 'sock', '__sk_common.skc_net.net', { offsetBytes: 48, sizeBytes: 8 }],
])('memberPath() on %s finds %s.%s', (kernel, struct, path, place) => {
  expect(memberPath(readKernelBtf(recordedKernel(kernel)), struct, path)).toMatchObject(place);
});
