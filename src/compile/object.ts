/**
 * What the compiler makes: plain data that prints as JSON, free of descriptors and addresses, so
 * that it can be cached and shipped.
 */
import {
  HOOK_PLACEHOLDER,
  KFUNC_PLACEHOLDER,
  MAP_PLACEHOLDER,
  RETURN_PLACEHOLDER,
  type MapSpec,
} from '../abi/maps.ts';

/** Instruction `insn` (index) is the first half of a 64-bit load of map `map`. */
export interface MapRelocation {
  readonly insn: number;
  readonly map: string;
}

export interface CompiledProgram {
  readonly name: string;
  /** Base64 of the instructions, 8 bytes each, little endian. */
  readonly insns: string;
  readonly relocations: readonly MapRelocation[];
}

export interface CompiledObject {
  readonly version: 1;
  readonly license: string;
  readonly maps: readonly MapSpec[];
  readonly programs: readonly CompiledProgram[];
}

const LD_IMM64 = 0x18;
const BPF_PSEUDO_MAP_FD = 1;

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
 * The instructions with the descriptors of `fds` in place of the placeholders.
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
  callKernelFunctions(view);
  return insns;
}

/**
 * A 64-bit load of the placeholder becomes one of the number. No other code has such a load: a
 * constant that fits 32 bits is moved.
 */
function setNumber(insns: DataView, placeholder: number, number: number): void {
  for (let at = 0; at < insns.byteLength; at += 8) {
    if (insns.getUint8(at) !== LD_IMM64) continue;
    const plain = insns.getUint8(at + 1) >> 4 === 0 && insns.getInt32(at + 12, true) === 0;
    if (plain && insns.getUint32(at + 4, true) === placeholder) {
      insns.setUint32(at + 4, number, true);
    }
    at += 8;
  }
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
