import type { RawInsn, RawProgram } from './cbpf.ts';
import type { CbpfInsn, Operand } from './insn.ts';
import { ALU_NEG, ALU_OPS, CLASS, JMP_JA, JUMP_TESTS, MODE } from './opcodes.ts';
import { RET_A, RET_K, SIZES, SRC_X, TAX, TXA } from './opcodes.ts';
import { ProgramError } from './program-error.ts';

/** @throws ProgramError on an opcode that the kernel's bpf_check_classic() does not know */
export function decode(program: RawProgram): readonly CbpfInsn[] {
  return program.map((raw, index) => {
    const insn = decodeInsn(raw);
    if (insn === undefined) {
      const code = raw.code.toString(16);
      throw new ProgramError(`decoding cBPF: instruction ${index}: unknown opcode 0x${code}`);
    }
    return insn;
  });
}

/** Opcodes are compared whole, as the kernel does: stray size or mode bits make them unknown. */
function decodeInsn(raw: RawInsn): CbpfInsn | undefined {
  switch (raw.code & 7) {
    case CLASS.ld:
      return decodeLd(raw);
    case CLASS.ldx:
      return decodeLdx(raw);
    case CLASS.st:
      return raw.code === 0x02 ? { op: 'st-mem', from: 'a', slot: raw.k } : undefined;
    case CLASS.stx:
      return raw.code === 0x03 ? { op: 'st-mem', from: 'x', slot: raw.k } : undefined;
    case CLASS.alu:
      return decodeAlu(raw);
    case CLASS.jmp:
      return decodeJump(raw);
    case CLASS.ret:
      if (raw.code === RET_K) return { op: 'ret', value: { kind: 'k', k: raw.k } };
      return raw.code === RET_A ? { op: 'ret', value: { kind: 'a' } } : undefined;
    default:
      if (raw.code === TAX) return { op: 'tax' };
      return raw.code === TXA ? { op: 'txa' } : undefined;
  }
}

function decodeLd({ code, k }: RawInsn): CbpfInsn | undefined {
  const size = SIZES.get(code & 0x18);
  const mode = code & ~0x1f;
  if (size === undefined) return undefined;
  if (mode === MODE.abs) return { op: 'ld-abs', size, k };
  if (mode === MODE.ind) return { op: 'ld-ind', size, k };
  if (size !== 4) return undefined;
  if (mode === MODE.imm) return { op: 'ld-imm', to: 'a', k };
  if (mode === MODE.mem) return { op: 'ld-mem', to: 'a', slot: k };
  return mode === MODE.len ? { op: 'ld-len', to: 'a' } : undefined;
}

function decodeLdx({ code, k }: RawInsn): CbpfInsn | undefined {
  const size = SIZES.get(code & 0x18);
  const mode = code & ~0x1f;
  if (mode === MODE.msh) return size === 1 ? { op: 'ldx-msh', k } : undefined;
  if (size !== 4) return undefined;
  if (mode === MODE.imm) return { op: 'ld-imm', to: 'x', k };
  if (mode === MODE.mem) return { op: 'ld-mem', to: 'x', slot: k };
  return mode === MODE.len ? { op: 'ld-len', to: 'x' } : undefined;
}

function operandOf({ code, k }: RawInsn): Operand {
  return (code & SRC_X) === 0 ? { kind: 'k', k } : { kind: 'x' };
}

function decodeAlu(raw: RawInsn): CbpfInsn | undefined {
  if (raw.code === ALU_NEG) return { op: 'neg' };
  const alu = ALU_OPS.get(raw.code & ~(7 | SRC_X));
  return alu === undefined ? undefined : { op: 'alu', alu, operand: operandOf(raw) };
}

function decodeJump(raw: RawInsn): CbpfInsn | undefined {
  if (raw.code === JMP_JA) return { op: 'ja', k: raw.k };
  const test = JUMP_TESTS.get(raw.code & ~(7 | SRC_X));
  if (test === undefined) return undefined;
  return { op: 'jump', test, operand: operandOf(raw), jt: raw.jt, jf: raw.jf };
}
