import type { RawInsn, RawProgram } from '../../../src/filter/cbpf.ts';

/** A program and a packet that some judges disagree on. */
export interface Case {
  readonly program: RawProgram;
  readonly packet: Uint8Array;
  readonly wireLength: number;
}

/** Which of some candidates fails still, the first: invalid programs do not. */
export type FirstFailing = (candidates: readonly Case[]) => Promise<number | undefined>;

/** Candidates asked about together: they are compiled as one text. */
const TOGETHER = 32;

/**
 * The smallest case found that still fails: leaves out instructions and bytes, and makes those left
 * simpler, as long as any such step keeps it failing.
 *
 * @param rounds most calls of `firstFailing`
 */
export async function shrink(start: Case, firstFailing: FirstFailing, rounds = 400): Promise<Case> {
  let best = start;
  let candidates = smaller(best);
  for (let round = 0; round < rounds; round += 1) {
    const some = take(candidates, TOGETHER);
    if (some.length === 0) return best;
    const failing = some[(await firstFailing(some)) ?? -1];
    if (failing === undefined) continue;
    best = failing;
    candidates = smaller(best);
  }
  return best;
}

function take<T>(from: Iterator<T>, count: number): readonly T[] {
  const taken: T[] = [];
  while (taken.length < count) {
    const next = from.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

function* smaller(from: Case): Generator<Case> {
  const { program, packet, wireLength } = from;
  // Bytes: the half, then one; the last first, as those before it keep their places.
  for (const length of new Set([packet.length >> 1, packet.length - 8, packet.length - 1])) {
    if (length >= 0 && length < packet.length) yield { ...from, packet: packet.slice(0, length) };
  }
  for (const count of [8, 1]) {
    for (let at = program.length - count; at >= 0; at -= 1) {
      const shorter = without(program, at, count);
      if (shorter !== undefined) yield { ...from, program: shorter };
    }
  }
  for (const [at, insn] of program.entries()) {
    for (const k of new Set([0, 1, insn.k >>> 1])) {
      if (k < insn.k) yield { ...from, program: program.with(at, { ...insn, k }) };
    }
  }
  for (const [at, byte] of packet.entries()) {
    if (byte !== 0) yield { ...from, packet: packet.with(at, 0) };
  }
  if (wireLength > packet.length) yield { ...from, wireLength: packet.length };
}

/** The program without some instructions, jumps corrected; undefined when it cannot be. */
function without(program: RawProgram, at: number, count: number): RawProgram | undefined {
  const moved = (target: number): number =>
    target <= at ? target : target >= at + count ? target - count : at;
  const left: RawInsn[] = [];
  for (const [i, insn] of program.entries()) {
    if (i >= at && i < at + count) continue;
    const next = i < at ? i + 1 : i + 1 - count;
    const offset = (jump: number): number => moved(i + 1 + jump) - next;
    if ((insn.code & 7) !== 5) left.push(insn);
    else if (insn.code === 5) left.push({ ...insn, k: offset(insn.k) });
    else left.push({ ...insn, jt: offset(insn.jt), jf: offset(insn.jf) });
  }
  const last = left.at(-1);
  return last === undefined || (last.code & 7) !== 6 ? undefined : left;
}
