import { describe, expect, test } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import { BtfError } from '../../../src/btf/error.ts';
import type { NewType } from '../../support/btf-builder.ts';
import { BtfBuilder } from '../../support/btf-builder.ts';

/** One type of each kind; those before it are what it may refer to. */
const EVERY_KIND: readonly NewType[] = [
  {
    kind: 'int',
    name: 'char',
    sizeBytes: 1,
    bits: 8,
    bitOffset: 0,
    signed: true,
    char: true,
    bool: false,
  },
  {
    kind: 'int',
    name: '_Bool',
    sizeBytes: 1,
    bits: 8,
    bitOffset: 0,
    signed: false,
    char: false,
    bool: true,
  },
  {
    kind: 'int',
    name: 'odd',
    sizeBytes: 4,
    bits: 5,
    bitOffset: 3,
    signed: false,
    char: false,
    bool: false,
  },
  { kind: 'ptr', name: '', typeId: 1 },
  { kind: 'array', name: '', elementTypeId: 1, indexTypeId: 3, length: 16 },
  {
    kind: 'struct',
    name: 's',
    sizeBytes: 8,
    members: [
      { name: 'a', typeId: 3, bitOffset: 0, bitfieldSize: 0 },
      { name: '', typeId: 3, bitOffset: 32, bitfieldSize: 0 },
    ],
  },
  {
    kind: 'struct',
    name: 'bits',
    sizeBytes: 4,
    members: [{ name: 'b', typeId: 3, bitOffset: 9, bitfieldSize: 3 }],
  },
  {
    kind: 'union',
    name: 'u',
    sizeBytes: 4,
    members: [{ name: 'a', typeId: 3, bitOffset: 0, bitfieldSize: 0 }],
  },
  {
    kind: 'enum',
    name: 'e',
    sizeBytes: 4,
    signed: false,
    values: [{ name: 'HIGH', value: 0xffff0000n }],
  },
  { kind: 'enum', name: 'se', sizeBytes: 4, signed: true, values: [{ name: 'MINUS', value: -1n }] },
  {
    kind: 'enum64',
    name: 'e64',
    sizeBytes: 8,
    signed: false,
    values: [{ name: 'BIG', value: 0xfedcba9876543210n }],
  },
  {
    kind: 'enum64',
    name: 'se64',
    sizeBytes: 8,
    signed: true,
    values: [{ name: 'LOW', value: -5_000_000_000n }],
  },
  { kind: 'fwd', name: 'fs', union: false },
  { kind: 'fwd', name: 'fu', union: true },
  { kind: 'typedef', name: 't', typeId: 6 },
  { kind: 'volatile', name: '', typeId: 15 },
  { kind: 'const', name: '', typeId: 16 },
  { kind: 'restrict', name: '', typeId: 17 },
  { kind: 'type_tag', name: 'rcu', typeId: 18 },
  {
    kind: 'func_proto',
    name: '',
    returnTypeId: 0,
    params: [
      { name: 'x', typeId: 4 },
      { name: '', typeId: 0 },
    ],
  },
  { kind: 'func', name: 'f', typeId: 20, linkage: 1 },
  { kind: 'var', name: 'v', typeId: 3, linkage: 1 },
  {
    kind: 'datasec',
    name: '.data',
    sizeBytes: 64,
    entries: [{ typeId: 22, offset: 8, sizeBytes: 4 }],
  },
  { kind: 'float', name: 'double', sizeBytes: 8 },
  { kind: 'decl_tag', name: 'tag', typeId: 6, componentIndex: -1 },
];

function build(types: readonly NewType[], littleEndian = true): Uint8Array {
  const builder = new BtfBuilder({ littleEndian });
  for (const type of types) builder.add(type);
  return builder.build();
}

describe.each([
  ['little-endian', true],
  ['big-endian', false],
])('%s BTF', (_, littleEndian) => {
  const btf = Btf.parse(build(EVERY_KIND, littleEndian));

  test.each(EVERY_KIND.map((type, i) => [type.kind, type.name, i + 1, type] as const))(
    'type() decodes %s %s',
    (kind, name, id, type) => {
      expect(btf.type(id)).toEqual({ ...type, id });
      expect(btf.kind(id)).toBe(kind);
      expect(btf.name(id)).toBe(name);
    },
  );

  test('findType() finds every named kind, and only under its own kind', () => {
    for (const [i, type] of EVERY_KIND.entries()) {
      if (type.name === '' || type.kind === 'type_tag' || type.kind === 'decl_tag') continue;
      expect(btf.findType(type.kind, type.name)).toBe(i + 1);
    }
    expect(btf.findType('union', 's')).toBeUndefined();
    expect(btf.findType('struct', 'S')).toBeUndefined();
    expect(btf.findType('struct', '')).toBeUndefined();
  });
});

describe('Btf', () => {
  const btf = Btf.parse(build(EVERY_KIND));

  test('id 0 is void', () => {
    expect(btf.type(0).kind).toBe('void');
    expect(btf.sizeOf(0)).toBe(0);
  });

  test('resolve() goes through typedefs, qualifiers and type tags', () => {
    expect(btf.resolve(19)).toMatchObject({ kind: 'struct', name: 's' });
    expect(btf.resolveId(19)).toBe(6);
    expect(btf.resolveId(0)).toBe(0);
  });

  test('pointeeId() is the id of what a pointer points to, not resolved', () => {
    expect(btf.pointeeId(4)).toBe(1);
    expect(btf.pointeeId(19)).toBeUndefined();
  });

  test('someParameter() asks by the types of the parameters', () => {
    const asked: number[] = [];
    expect(btf.someParameter(21, (id) => asked.push(id) > 2)).toBe(false);
    expect(asked).toEqual([4, 0]);
    expect(btf.someParameter(21, (id) => id === 4)).toBe(true);
    expect(() => btf.someParameter(20, () => true)).toThrow(/it is no function/);
  });

  test('sizeOf() multiplies arrays and knows pointers', () => {
    expect(btf.sizeOf(5)).toBe(16);
    expect(btf.sizeOf(4)).toBe(8);
    expect(btf.sizeOf(19)).toBe(8);
  });

  test('pointerSize() is that of unsigned long', () => {
    const builder = new BtfBuilder();
    builder.int('unsigned long', 4);
    expect(Btf.parse(builder.build()).pointerSize()).toBe(4);
  });

  test('findTypes() gives all types of one name in order', () => {
    const builder = new BtfBuilder();
    const proto = builder.add({ kind: 'func_proto', name: '', returnTypeId: 0, params: [] });
    const ids = [1, 2, 3].map(() =>
      builder.add({ kind: 'func', name: 'init', typeId: proto, linkage: 0 }),
    );
    expect([...Btf.parse(builder.build()).findTypes('func', 'init')]).toEqual(ids);
  });

  test('idsOfKind() lists own types of a kind', () => {
    expect([...btf.idsOfKind('enum')]).toEqual([9, 10]);
  });

  test('names that are not ASCII are UTF-8', () => {
    const builder = new BtfBuilder();
    const id = builder.add({ kind: 'struct', name: 'größe', sizeBytes: 0, members: [] });
    builder.add({ kind: 'struct', name: 'after', sizeBytes: 0, members: [] });
    const parsed = Btf.parse(builder.build());
    expect(parsed.name(id)).toBe('größe');
    expect(parsed.findType('struct', 'größe')).toBe(id);
  });

  test('a view into a larger buffer is read at its own offset', () => {
    const bytes = build(EVERY_KIND);
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 7);
    expect(Btf.parse(larger.subarray(7)).findType('struct', 's')).toBe(6);
  });
});

describe('split BTF', () => {
  const baseBuilder = new BtfBuilder();
  const int = baseBuilder.int('int', 4, true);
  baseBuilder.add({ kind: 'struct', name: 'shared', sizeBytes: 4, members: [] });
  const base = Btf.parse(baseBuilder.build());
  const builder = new BtfBuilder({ base: { btf: base, stringBytes: baseBuilder.stringBytes } });
  const own = builder.add({
    kind: 'struct',
    name: 'xt_table',
    sizeBytes: 4,
    members: [{ name: 'hooks', typeId: int, bitOffset: 0, bitfieldSize: 0 }],
  });
  const duplicate = builder.add({ kind: 'struct', name: 'shared', sizeBytes: 8, members: [] });
  const module = Btf.parse(builder.build(), base);

  test('ids go on after those of the base', () => {
    expect(own).toBe(3);
    expect([module.firstId, module.endId]).toEqual([3, 5]);
    expect(module.struct('xt_table')).toMatchObject({ id: own, members: [{ name: 'hooks' }] });
  });

  test('types and strings of the base are reached through it', () => {
    expect(module.type(int)).toMatchObject({ kind: 'int', name: 'int' });
    expect(module.findType('int', 'int')).toBe(int);
    expect(module.kind(int)).toBe('int');
  });

  test("a module's own type goes before the base's of the same name", () => {
    expect([...module.findTypes('struct', 'shared')]).toEqual([duplicate, 2]);
  });

  test('idsOfKind() leaves the base out', () => {
    expect([...module.idsOfKind('struct')]).toEqual([own, duplicate]);
  });
});

describe('unsound BTF', () => {
  const sound = build(EVERY_KIND);
  const damaged = (change: (bytes: Uint8Array, view: DataView) => void): Uint8Array => {
    const bytes = sound.slice();
    change(bytes, new DataView(bytes.buffer));
    return bytes;
  };

  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(), /too short for a header/],
    ['another magic number', damaged((b) => (b[0] = 0x7f)), /bad magic number/],
    ['another version', damaged((b) => (b[2] = 2)), /version 2/],
    [
      'a short header',
      damaged((_, v) => {
        v.setUint32(4, 8, true);
      }),
      /header length 8/,
    ],
    [
      'a type section past the end',
      damaged((_, v) => {
        v.setUint32(12, 0xffffff00, true);
      }),
      /type section ends/,
    ],
    [
      'a string section past the end',
      damaged((_, v) => {
        v.setUint32(20, 0xffffff00, true);
      }),
      /string section ends/,
    ],
    ['strings without an end', damaged((b) => (b[b.length - 1] = 0x61)), /does not end in a zero/],
    ['a kind that is not known', damaged((b) => (b[24 + 7] = 20)), /type 0 at byte 24: kind 20/],
    ['kind 0', damaged((b) => (b[24 + 7] = 0)), /kind 0/],
    [
      'a vlen past the end',
      damaged((_, v) => {
        v.setUint32(24 + 4, 0x0400ffff, true);
      }),
      /cut short/,
    ],
    [
      'a last type cut short',
      damaged((_, v) => {
        v.setUint32(12, 20, true);
      }),
      /cut short/,
    ],
  ])('parse() refuses %s', (_, bytes, message) => {
    expect(() => Btf.parse(bytes)).toThrow(BtfError);
    expect(() => Btf.parse(bytes)).toThrow(message);
  });

  test('a type id out of range is refused where it is used', () => {
    const btf = Btf.parse(build([{ kind: 'ptr', name: '', typeId: 77 }]));
    expect(() => btf.pointee(1)).toThrow(/type 77: there are only 2 types/);
    expect(() => btf.name(77)).toThrow(BtfError);
  });

  test('a string offset out of range is refused where it is used', () => {
    const builder = new BtfBuilder();
    builder.int('int', 4);
    const bytes = builder.build();
    new DataView(bytes.buffer).setUint32(24, 1000, true);
    const btf = Btf.parse(bytes);
    expect(() => btf.type(1)).toThrow(/string at 1000/);
    expect(() => btf.findType('int', 'int')).toThrow(/string at 1000/);
  });

  test('a cycle of typedefs is refused', () => {
    const btf = Btf.parse(
      build([
        { kind: 'typedef', name: 'a', typeId: 2 },
        { kind: 'const', name: '', typeId: 1 },
      ]),
    );
    expect(() => btf.resolve(1)).toThrow(/cycle/);
  });

  test('an array of itself is refused', () => {
    const btf = Btf.parse(
      build([{ kind: 'array', name: '', elementTypeId: 1, indexTypeId: 1, length: 2 }]),
    );
    expect(() => btf.sizeOf(1)).toThrow(/cycle/);
  });
});
