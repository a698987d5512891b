/** Numbers of include/uapi/linux/bpf_common.h and linux/filter.h that decoding needs. */
import type { AluOp, JumpTest, LoadSize } from './insn.ts';

export const CLASS = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, ret: 6, misc: 7 } as const;

export const SIZES: ReadonlyMap<number, LoadSize> = new Map([
  [0x00, 4],
  [0x08, 2],
  [0x10, 1],
]);

export const MODE = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, len: 0x80, msh: 0xa0 } as const;

export const ALU_OPS: ReadonlyMap<number, AluOp> = new Map([
  [0x00, 'add'],
  [0x10, 'sub'],
  [0x20, 'mul'],
  [0x30, 'div'],
  [0x40, 'or'],
  [0x50, 'and'],
  [0x60, 'lsh'],
  [0x70, 'rsh'],
  [0x90, 'mod'],
  [0xa0, 'xor'],
]);
export const ALU_NEG = 0x84;

export const JUMP_TESTS: ReadonlyMap<number, JumpTest> = new Map([
  [0x10, 'jeq'],
  [0x20, 'jgt'],
  [0x30, 'jge'],
  [0x40, 'jset'],
]);
export const JMP_JA = 0x05;

/** The operand is X instead of k. */
export const SRC_X = 0x08;

export const RET_K = 0x06;
export const RET_A = 0x16;
export const TAX = 0x07;
export const TXA = 0x87;

/** Cells of M[] (BPF_MEMWORDS). */
export const MEM_WORDS = 16;
/**
 * Offsets with the sign bit are not packet bytes: SKF_AD_OFF (-0x1000), SKF_NET_OFF and SKF_LL_OFF
 * name things that the kernel knows beside the packet.
 */
export const FIRST_NEGATIVE = 0x8000_0000;
export const SKF_AD_OFF = 0xffff_f000;
