import type { RawInsn, RawProgram } from '../../../../src/filter/cbpf.ts';

/** mulberry32: the same numbers for the same seed everywhere. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

const pick = <T>(random: Random, values: readonly T[]): T => values[random(values.length)]!;

const ABS = [0x20, 0x28, 0x30];
const IND = [0x40, 0x48, 0x50];
const ALU = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0];
const JUMPS = [0x15, 0x25, 0x35, 0x45, 0x1d, 0x2d, 0x3d, 0x4d];
const CONSTANTS = [
  0, 1, 2, 3, 4, 0xf, 0x3c, 0x40, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
];
const CELLS = 4;

/** A valid program: jumps go forward, the cells that are read were written, it ends in a return. */
export function randomProgram(random: Random): RawProgram {
  const insn = (code: number, k = 0, jt = 0, jf = 0): RawInsn => ({ code, jt, jf, k });
  const length = 6 + random(30);
  const preamble = Array.from({ length: CELLS }, (_, i) => insn(pick(random, [0x02, 0x03]), i));
  const constant = (): number => (random(3) === 0 ? random(300) : pick(random, CONSTANTS));
  const body = Array.from({ length }, (_, i): RawInsn => {
    const room = Math.min(length - i, 255);
    switch (random(14)) {
      case 0:
      case 1:
        return insn(pick(random, ABS), random(random(20) === 0 ? 400 : 70));
      case 2:
      case 3:
        return insn(pick(random, IND), random(12) === 0 ? pick(random, CONSTANTS) : random(50));
      case 4:
        return insn(0xb1, random(40));
      case 5:
        return insn(pick(random, [0x80, 0x00, 0x01]), constant());
      case 6:
        return insn(pick(random, [0x02, 0x03, 0x60, 0x61]), random(CELLS));
      case 7:
        return insn(pick(random, [0x07, 0x87, 0x07, 0x84]));
      case 8:
      case 9: {
        const op = pick(random, ALU);
        if (random(3) === 0) return insn(op | 0x0c);
        if (op === 0x60 || op === 0x70) return insn(op | 4, random(32));
        return insn(op | 4, op === 0x30 || op === 0x90 ? 1 + random(100) : constant());
      }
      case 10:
        // Bounds X, so that indexed loads have a chance.
        return insn(0x54, pick(random, [0x3c, 0x7, 0xf, 0x1f, 0xff]));
      case 11:
        return random(6) === 0 ? insn(0x05, random(room)) : insn(0x07);
      case 12:
        return random(4) === 0 ? insn(pick(random, [0x06, 0x16]), constant()) : insn(0x07);
      default:
        return insn(pick(random, JUMPS), constant(), random(room), random(room));
    }
  });
  return [...preamble, ...body, insn(pick(random, [0x06, 0x16]), constant())];
}

/** Few different values, so that comparisons hold now and then. */
export function randomPacket(random: Random): Uint8Array {
  const length = random(5) === 0 ? random(400) : random(110);
  return Uint8Array.from({ length }, () =>
    random(3) === 0 ? random(256) : pick(random, [0, 1, 4, 0x45]),
  );
}
