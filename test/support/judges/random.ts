import type { Libpcap } from '../../../src/ffi/libpcap.ts';
import type { RawInsn, RawProgram } from '../../../src/filter/cbpf.ts';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { ProgramError } from '../../../src/filter/program-error.ts';
import { EXPRESSIONS, KERNEL_ONLY } from '../../unit/filter/support/expressions.ts';
import { MORE_EXPRESSIONS } from '../../unit/filter/support/more-expressions.ts';
import { packetsOf } from './packets.ts';

export type Random = (below: number) => number;

/** One of `values`, which are not empty. */
export const pick = <T>(random: Random, values: readonly T[]): T => values[random(values.length)]!;

/** A packet as a file has it. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

/** Every opcode that the kernel's bpf_check_classic() knows, by what it needs of k. */
const LOADS = [0x20, 0x28, 0x30];
const INDEXED = [0x40, 0x48, 0x50];
const ALU = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0];
const JUMPS = [0x15, 0x25, 0x35, 0x45, 0x1d, 0x2d, 0x3d, 0x4d];
const EDGES = [0, 1, 2, 4, 31, 32, 0xff, 0x100, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
/** Around the places where the window ends, offsets wrap, and Linux's extensions begin. */
const FAR = [120, 250, 252, 253, 254, 255, 256, 257, 300, 0x7fff_fffe, 0x8000_0000, 0xffff_f004];
const MASKS = [0x3c, 0x7, 0xf, 0x1f, 0x3f, 0xff, 0x1ff, 0xfc];

function constant(random: Random): number {
  const kind = random(8);
  if (kind < 4) return random(256);
  if (kind < 6) return pick(random, EDGES);
  return kind === 6 ? random(0x1_0000) : random(0x1_0000_0000);
}

const offset = (random: Random): number => (random(24) === 0 ? pick(random, FAR) : random(96));

function plain(random: Random, cells: number): RawInsn {
  const insn = (code: number, k = 0): RawInsn => ({ code, jt: 0, jf: 0, k });
  const alu = pick(random, ALU);
  const divides = alu === 0x30 || alu === 0x90;
  const shifts = alu === 0x60 || alu === 0x70;
  const choices: readonly (() => RawInsn)[] = [
    () => insn(pick(random, LOADS), offset(random)),
    () => insn(pick(random, LOADS), offset(random)),
    () => insn(pick(random, INDEXED), offset(random)),
    () => insn(pick(random, INDEXED), random(60)),
    () => insn(0xb1, offset(random)),
    () => insn(pick(random, [0x80, 0x81])),
    () => insn(pick(random, [0x00, 0x01]), constant(random)),
    () => insn(pick(random, [0x02, 0x03, 0x60, 0x61]), random(cells)),
    () => insn(pick(random, [0x07, 0x87])),
    () => insn(0x84),
    () => insn(alu | 0x0c),
    () => insn(alu | 4, divides ? 1 + random(300) : shifts ? random(32) : constant(random)),
    // Bounds A and so X, that indexed loads have a chance.
    () => insn(0x54, pick(random, MASKS)),
    () => insn(0x07),
  ];
  return pick(random, choices)();
}

/** A valid program of any opcodes, with random jumps; most are translated, the rest drawn again. */
export function randomProgram(random: Random): RawProgram {
  for (;;) {
    const program = attempt(random);
    try {
      compileFilter(program, { symbol: 'f' });
      return program;
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
    }
  }
}

function attempt(random: Random): RawProgram {
  const cells = 1 + random(16);
  const insn = (code: number, k = 0, jt = 0, jf = 0): RawInsn => ({ code, jt, jf, k });
  const length = 2 + random(random(4) === 0 ? 120 : 30);
  const preamble = Array.from({ length: cells }, (_, i) => insn(pick(random, [0x02, 0x03]), i));
  const body = Array.from({ length }, (_, i): RawInsn => {
    const room = Math.min(length - i, 255);
    const near = (): number => (random(3) === 0 ? random(room) : Math.min(random(4), room - 1));
    const kind = random(20);
    if (kind < 4) return insn(pick(random, JUMPS), constant(random), near(), near());
    if (kind === 4 && random(3) === 0) return insn(0x05, near());
    if (kind === 5 && random(3) === 0) return insn(pick(random, [0x06, 0x16]), constant(random));
    return plain(random, cells);
  });
  return [...preamble, ...body, insn(pick(random, [0x06, 0x16]), constant(random))];
}

/** Few different values, so that comparisons hold now and then; any length up to 400. */
export function randomPacket(random: Random): Sample {
  const length = random(5) === 0 ? random(400) : random(121);
  const bytes = Uint8Array.from({ length }, () =>
    random(3) === 0 ? random(256) : pick(random, [0, 1, 4, 0x45, 0xff]),
  );
  return { bytes, wireLength: length + (random(3) === 0 ? random(2000) : 0) };
}

const PRIMITIVES = [...EXPRESSIONS, ...KERNEL_ONLY, ...MORE_EXPRESSIONS].filter(
  (text) => text.length < 80,
);

/** An expression of up to five primitives, and libpcap's program of it. */
export function randomExpression(
  random: Random,
  pcap: Libpcap,
  linkType: number,
): { readonly text: string; readonly program: RawProgram } {
  for (;;) {
    let text = pick(random, PRIMITIVES);
    for (let more = random(5); more > 0; more -= 1) {
      const not = random(4) === 0 ? 'not ' : '';
      text = `(${text}) ${pick(random, ['and', 'or'])} ${not}(${pick(random, PRIMITIVES)})`;
    }
    const optimize = random(4) !== 0;
    const result = pcap.compile(text, { linkType, snaplen: 262144, optimize });
    if (!('program' in result)) continue;
    try {
      compileFilter(result.program, { symbol: 'f' });
      return { text: `${text}${optimize ? '' : ' (not optimised)'}`, program: result.program };
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
    }
  }
}

/** A packet of the table with a few bytes changed, maybe cut to at most 120 bytes. */
export function mutatedPacket(random: Random, linkType: number): Sample {
  const { bytes } = pick(random, packetsOf(linkType));
  const whole = bytes.slice();
  if (whole.length > 0) {
    for (let more = random(4); more > 0; more -= 1) whole[random(whole.length)] = random(256);
  }
  const cut = random(2) === 0 ? random(Math.min(whole.length, 120) + 1) : whole.length;
  return { bytes: whole.subarray(0, cut), wireLength: whole.length + (random(8) === 0 ? 300 : 0) };
}
