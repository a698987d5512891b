import { assertNever } from '../errors.ts';
import type { AluOp, CbpfInsn, JumpTest, LoadSize } from './insn.ts';
import type { MetaField } from './meta.ts';
import { metaField } from './meta.ts';
import { MEM_WORDS } from './opcodes.ts';

const ALU: Readonly<Record<AluOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => Math.imul(a, b),
  div: (a, b) => Math.floor(a / b),
  mod: (a, b) => a % b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  // JavaScript masks the count with 31, as the kernel's 32-bit shifts do.
  lsh: (a, b) => a << b,
  rsh: (a, b) => a >>> b,
};

const TEST: Readonly<Record<JumpTest, (a: number, b: number) => boolean>> = {
  jeq: (a, b) => a === b,
  jgt: (a, b) => a > b,
  jge: (a, b) => a >= b,
  jset: (a, b) => (a & b) !== 0,
};

/** Ends what jumps back for ever. */
const STEP_LIMIT = 1_000_000;

/** Values for the loads of Linux's extensions. */
export type PacketMeta = Readonly<Partial<Record<MetaField, number>>>;

/**
 * Runs a validated program as the kernel would: the definition that every backend is compared with.
 *
 * @param bytes what may be loaded (the linear part of a packet)
 * @param wireLength what `len` means
 * @param meta what the kernel knows beside the bytes; a load of what is missing rejects
 * @returns the program's return value, 0 = no match; 0 too for a load out of bounds and a division
 *   by zero
 */
export function interpret(
  program: readonly CbpfInsn[],
  bytes: Uint8Array,
  wireLength: number,
  meta: PacketMeta = {},
): number {
  const memory = new Uint32Array(MEM_WORDS);
  let a = 0;
  let x = 0;
  let pc = 0;
  for (let steps = 0; ; steps += 1) {
    if (steps === STEP_LIMIT) return 0;
    const insn = program[pc];
    if (insn === undefined) throw new RangeError(`cBPF runs past its end: ${pc}`);
    pc += 1;
    switch (insn.op) {
      case 'ld-abs':
      case 'ld-ind': {
        // 32-bit wrap, as the `int offset` of bpf_skb_load_helper_*(); what has the sign bit then
        // is no packet offset: it lies beyond any packet's end and rejects here.
        const offset = insn.op === 'ld-abs' ? insn.k : (x + insn.k) >>> 0;
        const field = insn.op === 'ld-abs' ? metaField(insn.k) : undefined;
        const value = field === undefined ? load(bytes, offset, insn.size) : meta[field];
        if (value === undefined) return 0;
        a = value;
        break;
      }
      case 'ldx-msh': {
        const value = load(bytes, insn.k, 1);
        if (value === undefined) return 0;
        x = (value & 0xf) * 4;
        break;
      }
      case 'ld-len':
        if (insn.to === 'a') a = wireLength;
        else x = wireLength;
        break;
      case 'ld-imm':
        if (insn.to === 'a') a = insn.k;
        else x = insn.k;
        break;
      case 'ld-mem':
        if (insn.to === 'a') a = memory[insn.slot] ?? 0;
        else x = memory[insn.slot] ?? 0;
        break;
      case 'st-mem':
        memory[insn.slot] = insn.from === 'a' ? a : x;
        break;
      case 'alu': {
        const operand = insn.operand.kind === 'k' ? insn.operand.k : x;
        if ((insn.alu === 'div' || insn.alu === 'mod') && operand === 0) return 0;
        a = ALU[insn.alu](a, operand) >>> 0;
        break;
      }
      case 'neg':
        a = -a >>> 0;
        break;
      case 'tax':
        x = a;
        break;
      case 'txa':
        a = x;
        break;
      case 'ja':
        pc += insn.k | 0;
        break;
      case 'jump': {
        const operand = insn.operand.kind === 'k' ? insn.operand.k : x;
        pc += TEST[insn.test](a, operand) ? insn.jt : insn.jf;
        break;
      }
      case 'ret':
        return insn.value.kind === 'k' ? insn.value.k : a;
      default:
        assertNever(insn);
    }
  }
}

function load(bytes: Uint8Array, offset: number, size: LoadSize): number | undefined {
  if (offset + size > bytes.length) return undefined;
  let value = 0;
  for (let i = 0; i < size; i += 1) value = value * 256 + (bytes[offset + i] ?? 0);
  return value;
}
