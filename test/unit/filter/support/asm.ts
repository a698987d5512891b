import type { RawInsn, RawProgram } from '../../../../src/filter/cbpf.ts';
import { decode } from '../../../../src/filter/decode.ts';
import type { FilterIr } from '../../../../src/filter/ir.ts';
import { splitBlocks } from '../../../../src/filter/passes/blocks.ts';

const insn = (code: number, k = 0, jt = 0, jf = 0): RawInsn => ({ code, jt, jf, k });

/** Instructions by the names that tcpdump -d prints. */
export const asm = {
  ld: (k: number) => insn(0x20, k),
  ldh: (k: number) => insn(0x28, k),
  ldb: (k: number) => insn(0x30, k),
  ldInd: (k: number) => insn(0x40, k),
  ldhInd: (k: number) => insn(0x48, k),
  ldbInd: (k: number) => insn(0x50, k),
  ldxMsh: (k: number) => insn(0xb1, k),
  ldImm: (k: number) => insn(0x00, k),
  ldxImm: (k: number) => insn(0x01, k),
  ldMem: (k: number) => insn(0x60, k),
  ldxMem: (k: number) => insn(0x61, k),
  st: (k: number) => insn(0x02, k),
  stx: (k: number) => insn(0x03, k),
  addX: () => insn(0x0c),
  divX: () => insn(0x3c),
  modX: () => insn(0x9c),
  div: (k: number) => insn(0x34, k),
  and: (k: number) => insn(0x54, k),
  lsh: (k: number) => insn(0x64, k),
  lshX: () => insn(0x6c),
  ja: (k: number) => insn(0x05, k),
  jeq: (k: number, jt: number, jf: number) => insn(0x15, k, jt, jf),
  jeqX: (jt: number, jf: number) => insn(0x1d, 0, jt, jf),
  tax: () => insn(0x07),
  txa: () => insn(0x87),
  ret: (k: number) => insn(0x06, k),
  retA: () => insn(0x16),
} as const;

export const irOf = (...program: RawProgram): FilterIr => splitBlocks(decode(program));
