/**
 * What the compiler makes: plain data, its instructions free of descriptors, addresses and numbers of a
 * run, so that they can be cached and shipped.
 */
import {
  CALLBACK_PLACEHOLDER,
  callbackOf,
  HOOK_PLACEHOLDER,
  KFUNC_PLACEHOLDER,
  MAP_PLACEHOLDER,
  RETURN_PLACEHOLDER,
  VALUE_PLACEHOLDER,
  type MapSpec,
} from '../abi/maps.ts';
import type { CompileUnit } from './protocol.ts';

/** C texts, compiled each by itself, and what they define: no name is in two of them. */
export interface CompileInput {
  readonly units: readonly CompileUnit[];
  readonly maps: readonly MapSpec[];
  readonly license: string;
  /** What the C names by XCAP_VALUE(i): 64 bits each. */
  readonly values?: readonly bigint[];
}

/** Instruction `insn` (index) is the first half of a 64-bit load of map `map`. */
export interface MapRelocation {
  readonly insn: number;
  readonly map: string;
}

/** Instruction `insn` is the first half of a 64-bit load of this number of the run. */
export interface ValueRelocation {
  readonly insn: number;
  readonly value: bigint;
}

export interface CompiledProgram {
  readonly name: string;
  /** Base64 of the instructions, 8 bytes each, little endian. */
  readonly insns: string;
  /** Instruction that the function starts at which the program has the kernel call; undefined without one. */
  readonly callback?: number | undefined;
  readonly relocations: readonly MapRelocation[];
  readonly values: readonly ValueRelocation[];
}

export interface CompiledObject {
  readonly version: 1;
  readonly license: string;
  readonly maps: readonly MapSpec[];
  readonly programs: readonly CompiledProgram[];
}

/** @throws RangeError: a bug in xcap */
export function programNamed({ programs }: CompiledObject, name: string): CompiledProgram {
  const program = programs.find((each) => each.name === name);
  if (program === undefined) throw new RangeError(`no program ${name}`);
  return program;
}

const LD_IMM64 = 0x18;
const BPF_PSEUDO_MAP_FD = 1;
const BPF_PSEUDO_FUNC = 4;

/**
 * @param insns what the compiler made of the functions of all units, in their order
 * @throws RangeError on a placeholder of nothing that `input` has
 */
export function makeObject(input: CompileInput, insns: readonly string[]): CompiledObject {
  const names = input.units.flatMap(({ functions }) => functions);
  const compiled = new Map(
    names.map((name, i) => [name, Buffer.from(insns[i] ?? '', 'base64')] as const),
  );
  const callbacks = new Set(names.map(callbackOf));
  return {
    version: 1,
    license: input.license,
    maps: input.maps,
    programs: [...compiled].flatMap(([name, own]) => {
      if (callbacks.has(name)) return [];
      const callback = compiled.get(callbackOf(name));
      const bytes = callback === undefined ? own : linkCallback(own, callback);
      return {
        name,
        insns: bytes.toString('base64'),
        callback: callback && own.length / 8,
        relocations: findRelocations(bytes, input.maps),
        values: findValues(bytes, input.values ?? []),
      };
    }),
  };
}

/** Puts a callback behind its program, and where the program names it the way there, as of a call. */
function linkCallback(program: Buffer, callback: Buffer): Buffer {
  const linked = Buffer.concat([program, callback]);
  for (let i = 0; i * 8 < program.length; i++) {
    if (linked.readUInt8(i * 8) !== LD_IMM64) continue;
    const names = linked.readUInt8(i * 8 + 1) >> 4 === BPF_PSEUDO_FUNC;
    if (names && linked.readUInt32LE(i * 8 + 4) === CALLBACK_PLACEHOLDER) {
      linked.writeInt32LE(program.length / 8 - i - 1, i * 8 + 4);
    }
    i++;
  }
  return linked;
}

/** Finds the map loads of a program; @throws RangeError on a placeholder without a map */
export function findRelocations(
  insns: Uint8Array,
  maps: readonly MapSpec[],
): readonly MapRelocation[] {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
  const found: MapRelocation[] = [];
  for (let i = 0; i * 8 < insns.length; i++) {
    if (view.getUint8(i * 8) !== LD_IMM64) continue;
    if (view.getUint8(i * 8 + 1) >> 4 === BPF_PSEUDO_MAP_FD) {
      const map = maps[view.getUint32(i * 8 + 4, true) - MAP_PLACEHOLDER];
      if (map === undefined) throw new RangeError(`instruction ${i} loads an unknown map`);
      found.push({ insn: i, map: map.name });
    }
    i++; // a 64-bit load takes two slots
  }
  return found;
}

/**
 * The instructions with the descriptors of `fds`, and the run's numbers, in place of the placeholders.
 *
 * @param hook number of the hook that the program is loaded for
 * @param value what the program has to return, where its hook prescribes that
 */
export function relocate(
  program: CompiledProgram,
  fds: ReadonlyMap<string, number>,
  hook = 0,
  value = 0,
): Uint8Array {
  const insns = Uint8Array.from(Buffer.from(program.insns, 'base64'));
  const view = new DataView(insns.buffer);
  for (const { insn, map } of program.relocations) {
    const fd = fds.get(map);
    if (fd === undefined) throw new RangeError(`program ${program.name} needs map ${map}`);
    view.setInt32(insn * 8 + 4, fd, true);
  }
  setNumber(view, HOOK_PLACEHOLDER, hook);
  setNumber(view, RETURN_PLACEHOLDER, value);
  // Behind it: a value may be any number, that of a placeholder among them.
  for (const { insn, value } of program.values) {
    view.setUint32(insn * 8 + 4, Number(BigInt.asUintN(32, value)), true);
    view.setUint32(insn * 8 + 12, Number(BigInt.asUintN(32, value >> 32n)), true);
  }
  callKernelFunctions(view);
  return insns;
}

/**
 * Where 64-bit constants below 2^32 are loaded: only what the C names by a placeholder, as clang
 * moves any other constant that fits 32 bits.
 */
function* constantLoads(insns: DataView): Generator<{ readonly at: number; readonly low: number }> {
  for (let at = 0; at < insns.byteLength; at += 8) {
    if (insns.getUint8(at) !== LD_IMM64) continue;
    const plain = insns.getUint8(at + 1) >> 4 === 0 && insns.getInt32(at + 12, true) === 0;
    if (plain) yield { at: at + 4, low: insns.getUint32(at + 4, true) };
    at += 8;
  }
}

function setNumber(insns: DataView, placeholder: number, number: number): void {
  for (const { at, low } of constantLoads(insns)) {
    if (low === placeholder) insns.setUint32(at, number, true);
  }
}

/** The other placeholders are outside of the numbers from the first one of a value on. */
const VALUES_MAX = 0x10000;

/** Finds the loads of XCAP_VALUE(i); @throws RangeError on one that the run does not have */
export function findValues(
  insns: Uint8Array,
  values: readonly bigint[],
): readonly ValueRelocation[] {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
  const found: ValueRelocation[] = [];
  for (const { at, low } of constantLoads(view)) {
    const index = low - VALUE_PLACEHOLDER;
    if (index < 0 || index >= VALUES_MAX) continue;
    const value = values[index];
    if (value === undefined) throw new RangeError(`value ${index} is not known`);
    found.push({ insn: Math.floor(at / 8), value });
  }
  return found;
}

const CALL = 0x85;
const BPF_PSEUDO_KFUNC_CALL = 2;

/** Calls of placeholders become calls of functions of the kernel (include/uapi/linux/bpf.h). */
function callKernelFunctions(insns: DataView): void {
  for (let at = 0; at < insns.byteLength; at += 8) {
    if (insns.getUint8(at) === LD_IMM64) {
      at += 8;
      continue;
    }
    if (insns.getUint8(at) !== CALL || insns.getUint8(at + 1) !== 0) continue;
    const helper = insns.getInt32(at + 4, true);
    if (helper < KFUNC_PLACEHOLDER) continue;
    insns.setUint8(at + 1, BPF_PSEUDO_KFUNC_CALL << 4);
    insns.setInt32(at + 4, helper - KFUNC_PLACEHOLDER, true);
  }
}
