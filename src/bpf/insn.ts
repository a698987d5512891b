/** One instruction (include/uapi/linux/bpf.h, struct bpf_insn), for the small programs of probes. */
export function insn(code: number, dst: number, src: number, off: number, imm: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  bytes[0] = code;
  bytes[1] = (src << 4) | dst;
  view.setInt16(2, off, true);
  view.setInt32(4, imm, true);
  return bytes;
}

/** The few opcodes that probes need. */
export const OP = {
  call: 0x85,
  movImm: 0xb7,
  movReg: 0xbf,
  addImm: 0x07,
  addReg: 0x0f,
  andImm: 0x57,
  ldImm64: 0x18,
  ldxB: 0x71,
  ldxH: 0x69,
  ldxDw: 0x79,
  stDw: 0x7a,
  stxDw: 0x7b,
  jeqImm: 0x15,
  jneImm: 0x55,
  rsh: 0x77,
  exit: 0x95,
} as const;

/** A program that does no more than to return this. */
export const returning = (value: number): readonly Uint8Array[] => [
  insn(OP.movImm, 0, 0, 0, value),
  insn(OP.exit, 0, 0, 0, 0),
];

/** Source registers with a meaning of their own. */
export const PSEUDO = { mapFd: 1, mapValue: 2, kfuncCall: 2, btfId: 3, func: 4 } as const;
