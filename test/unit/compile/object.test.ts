import { describe, expect, it } from 'vitest';
import {
  CALLBACK_PLACEHOLDER,
  HOOK_PLACEHOLDER,
  MAP_PLACEHOLDER,
  RETURN_PLACEHOLDER,
  VALUE_PLACEHOLDER,
  captureMaps,
} from '../../../src/abi/maps.ts';
import { findRelocations, makeObject, relocate } from '../../../src/compile/object.ts';

const maps = captureMaps({
  hooks: 1,
  possibleCpus: 2,
  captureMax: 96,
  ringBytes: 1 << 20,
  userBytes: 0,
  whoBytes: 0,
  follows: false,
  owners: false,
  claims: false,
  xdpPairs: 0,
  gathers: false,
  filterBytes: 0,
  returns: false,
});

function insn(code: number, src: number, imm: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes[0] = code;
  bytes[1] = src << 4;
  bytes.writeInt32LE(imm | 0, 4);
  return bytes;
}

const LD_IMM64 = 0x18;
const program = Buffer.concat([
  insn(0xb7, 0, MAP_PLACEHOLDER), // mov r0, imm: only looks like one
  insn(LD_IMM64, 1, MAP_PLACEHOLDER + 2),
  insn(0, 0, 0),
  insn(LD_IMM64, 0, MAP_PLACEHOLDER + 1), // a plain constant
  insn(LD_IMM64, 1, MAP_PLACEHOLDER), // its second half, whatever it holds
  insn(LD_IMM64, 3, 77), // a BTF id stays
  insn(0, 0, 0),
  insn(LD_IMM64, 1, MAP_PLACEHOLDER),
  insn(0, 0, 0),
]);

describe('findRelocations()', () => {
  it('finds the map loads and nothing that looks like one', () => {
    expect(findRelocations(program, maps)).toEqual([
      { insn: 1, map: 'xcap_slots' },
      { insn: 7, map: 'xcap_ring' },
    ]);
  });

  it('refuses a load of a map that is not declared', () => {
    const bad = Buffer.concat([insn(LD_IMM64, 1, MAP_PLACEHOLDER + maps.length), insn(0, 0, 0)]);
    expect(() => findRelocations(bad, maps)).toThrow(RangeError);
  });
});

describe('relocate()', () => {
  const compiled = {
    name: 'xcap_drop',
    insns: program.toString('base64'),
    relocations: findRelocations(program, maps),
    values: [],
  };

  it('puts descriptors where the maps are named, and changes nothing else', () => {
    const out = Buffer.from(
      relocate(
        compiled,
        new Map([
          ['xcap_ring', 5],
          ['xcap_slots', 6],
        ]),
      ),
    );
    expect(out.readInt32LE(1 * 8 + 4)).toBe(6);
    expect(out.readInt32LE(7 * 8 + 4)).toBe(5);
    out.writeInt32LE((MAP_PLACEHOLDER + 2) | 0, 1 * 8 + 4);
    out.writeInt32LE(MAP_PLACEHOLDER | 0, 7 * 8 + 4);
    expect(out.equals(program)).toBe(true);
  });

  it('puts the number of the hook where the program asks for it', () => {
    const asking = Buffer.concat([
      insn(0xb7, 0, HOOK_PLACEHOLDER), // mov: a constant of the program's own
      insn(LD_IMM64, 0, HOOK_PLACEHOLDER),
      insn(0, 0, 0),
      insn(LD_IMM64, 0, HOOK_PLACEHOLDER),
      insn(0, 0, 1), // 64 bits wide: another number
    ]);
    const asked = { name: 'x', insns: asking.toString('base64'), relocations: [], values: [] };
    const out = Buffer.from(relocate(asked, new Map(), 300));
    expect([0, 1, 3].map((i) => out.readInt32LE(i * 8 + 4))).toEqual([
      ...[HOOK_PLACEHOLDER, 300, HOOK_PLACEHOLDER],
    ]);
  });

  it('puts the value that the program has to return where it asks for that', () => {
    const asking = Buffer.concat([
      insn(LD_IMM64, 0, RETURN_PLACEHOLDER),
      insn(0, 0, 0),
      insn(LD_IMM64, 0, HOOK_PLACEHOLDER),
      insn(0, 0, 0),
    ]);
    const asked = { name: 'x', insns: asking.toString('base64'), relocations: [], values: [] };
    const out = Buffer.from(relocate(asked, new Map(), 300, 4));
    expect([0, 2].map((i) => out.readInt32LE(i * 8 + 4))).toEqual([4, 300]);
  });

  it('refuses a program whose map is missing', () => {
    expect(() => relocate(compiled, new Map([['xcap_ring', 5]]))).toThrow('xcap_slots');
  });
});

describe('makeObject()', () => {
  const asking = Buffer.concat([
    insn(0xb7, 0, VALUE_PLACEHOLDER), // mov: a constant of the program's own
    insn(LD_IMM64, 0, VALUE_PLACEHOLDER + 1),
    insn(0, 0, 0),
    insn(LD_IMM64, 0, HOOK_PLACEHOLDER),
    insn(0, 0, 0),
    insn(LD_IMM64, 0, VALUE_PLACEHOLDER),
    insn(0, 0, 0),
    insn(LD_IMM64, 0, VALUE_PLACEHOLDER),
    insn(0, 0, 1), // 64 bits wide: another number
    insn(LD_IMM64, 3, VALUE_PLACEHOLDER), // a BTF id
    insn(0, 0, 0),
  ]);
  const make = (values: readonly bigint[]) =>
    makeObject({ units: [{ text: '', functions: ['f'] }], maps, license: 'GPL', values }, [
      asking.toString('base64'),
    ]);

  it('puts the numbers of the run where the program asks for them, as they are', () => {
    // The first is the hook's placeholder: it is not taken for it.
    const [program] = make([BigInt(HOOK_PLACEHOLDER), 0xffff_8880_f000_0001n]).programs;
    const out = Buffer.from(relocate(program!, new Map(), 300));
    expect([0, 1, 3, 5, 7, 9].map((i) => out.readUInt32LE(i * 8 + 4))).toEqual([
      ...[VALUE_PLACEHOLDER, 0xf000_0001, 300, HOOK_PLACEHOLDER],
      ...[VALUE_PLACEHOLDER, VALUE_PLACEHOLDER],
    ]);
    expect(out.readUInt32LE(1 * 8 + 12)).toBe(0xffff_8880);
  });

  it('keeps what was compiled as it was: runs with other numbers share it', () => {
    expect(make([1n, 2n]).programs[0]?.insns).toBe(asking.toString('base64'));
    expect(make([1n, 2n]).programs[0]?.values).toEqual([
      { insn: 1, value: 2n },
      { insn: 5, value: 1n },
    ]);
  });

  it('refuses a program that asks for a number that the run does not have', () => {
    expect(() => make([1n])).toThrow('value 1 is not known');
  });

  it('puts what the kernel calls back behind its program, with the way there', () => {
    const EXIT = insn(0x95, 0, 0);
    const program = Buffer.concat([
      insn(LD_IMM64, 0, CALLBACK_PLACEHOLDER), // a plain constant
      insn(0, 0, 0),
      insn(LD_IMM64, 4, CALLBACK_PLACEHOLDER),
      insn(0, 0, 0),
      EXIT,
    ]);
    const each = Buffer.concat([insn(LD_IMM64, 1, MAP_PLACEHOLDER), insn(0, 0, 0), EXIT]);
    const { programs } = makeObject(
      { units: [{ text: '', functions: ['f', 'f_each', 'g'] }], maps, license: 'GPL' },
      [program, each, EXIT].map((insns) => insns.toString('base64')),
    );
    expect(programs.map(({ name, callback }) => [name, callback])).toEqual([
      ['f', 5],
      ['g', undefined],
    ]);
    const linked = Buffer.from(programs[0]?.insns ?? '', 'base64');
    // From the instruction behind the load's first half, as a call counts.
    expect(linked.readInt32LE(2 * 8 + 4)).toBe(2);
    expect(linked.readUInt32LE(4)).toBe(CALLBACK_PLACEHOLDER);
    expect(linked.subarray(5 * 8).equals(each)).toBe(true);
    expect(programs[0]?.relocations).toEqual([{ insn: 5, map: 'xcap_ring' }]);
  });
});
