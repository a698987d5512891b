/**
 * One cBPF instruction with named operands. The set is what the kernel's bpf_check_classic()
 * allows (net/core/filter.c), which is what libpcap emits.
 */

/** Bytes that a packet load reads. */
export type LoadSize = 1 | 2 | 4;
export type Register = 'a' | 'x';
export type AluOp = 'add' | 'sub' | 'mul' | 'div' | 'mod' | 'and' | 'or' | 'xor' | 'lsh' | 'rsh';
export type JumpTest = 'jeq' | 'jgt' | 'jge' | 'jset';

/** The second operand of arithmetic and of comparisons: a constant, or X. */
export type Operand = { readonly kind: 'k'; readonly k: number } | { readonly kind: 'x' };

export type RetValue = { readonly kind: 'k'; readonly k: number } | { readonly kind: 'a' };

export interface LdAbs {
  readonly op: 'ld-abs';
  readonly size: LoadSize;
  readonly k: number;
}
/** A = packet[X + k]. */
export interface LdInd {
  readonly op: 'ld-ind';
  readonly size: LoadSize;
  readonly k: number;
}
/** X = 4 * (packet[k] & 0xf): the length of an IPv4 header. */
export interface LdxMsh {
  readonly op: 'ldx-msh';
  readonly k: number;
}
/** The packet's length on the wire. */
export interface LdLen {
  readonly op: 'ld-len';
  readonly to: Register;
}
export interface LdImm {
  readonly op: 'ld-imm';
  readonly to: Register;
  readonly k: number;
}
export interface LdMem {
  readonly op: 'ld-mem';
  readonly to: Register;
  readonly slot: number;
}
export interface StMem {
  readonly op: 'st-mem';
  readonly from: Register;
  readonly slot: number;
}
export interface Alu {
  readonly op: 'alu';
  readonly alu: AluOp;
  readonly operand: Operand;
}
export interface Unary {
  readonly op: 'neg' | 'tax' | 'txa';
}
export interface Ja {
  readonly op: 'ja';
  readonly k: number;
}

/** libpcap loops over a chain of headers by a jump back, which no kernel takes as cBPF. */
export const jaTarget = ({ k }: Ja, index: number): number => index + 1 + (k | 0);

/** Continues at the instruction `jt` (test holds) or `jf` after the next one. */
export interface Jump {
  readonly op: 'jump';
  readonly test: JumpTest;
  readonly operand: Operand;
  readonly jt: number;
  readonly jf: number;
}
export interface Ret {
  readonly op: 'ret';
  readonly value: RetValue;
}

/** Instructions that neither jump nor return. */
export type PlainInsn = LdAbs | LdInd | LdxMsh | LdLen | LdImm | LdMem | StMem | Alu | Unary;

export type CbpfInsn = PlainInsn | Ja | Jump | Ret;
