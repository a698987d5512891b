import type { RawInsn, RawProgram } from './cbpf.ts';
import { ProgramError } from './program-error.ts';

/** `COUNT,OP JT JF K,...`: what `tcpdump -ddd` prints, its lines joined by commas. */
const FORM = /^\d+(,\d+ \d+ \d+ \d+)+,?$/;

/** Whether a text is meant as a program, and not as an expression. */
export const isCbpfText = (text: string): boolean => FORM.test(text.trim());

const LIMITS = { code: 0xffff, jt: 0xff, jf: 0xff, k: 0xffff_ffff } as const;

/**
 * A program from its text form: decimal numbers, a comma at the end or not.
 *
 * @throws ProgramError when the count or a number is wrong; what the program does is not judged here
 */
export function parseCbpfText(text: string): RawProgram {
  const [count, ...insns] = text.trim().replace(/,$/, '').split(',');
  if (Number(count) !== insns.length) {
    throw new ProgramError(
      `reading cBPF: ${count ?? ''} instructions announced, and ${insns.length} there`,
    );
  }
  return insns.map((insn, index): RawInsn => {
    const [code = NaN, jt = NaN, jf = NaN, k = NaN] = insn.split(' ').map(Number);
    const fields = { code, jt, jf, k };
    for (const [name, most] of Object.entries(LIMITS)) {
      const value = fields[name as keyof RawInsn];
      if (value <= most) continue;
      throw new ProgramError(`reading cBPF: instruction ${index}: ${name} ${value}: too large`);
    }
    return fields;
  });
}
