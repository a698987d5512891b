import { assertNever } from '../errors.ts';
import type { RawInsn, RawProgram } from './cbpf.ts';
import { decode } from './decode.ts';
import type { CbpfInsn, LoadSize, Operand } from './insn.ts';
import { extensionName } from './meta.ts';

/** tcpdump's -d, -dd and -ddd. */
export type ListingStyle = 'd' | 'dd' | 'ddd';

/** The lines that `tcpdump -d`, `-dd` or `-ddd` prints for a program, to the byte. */
export function list(program: RawProgram, style: ListingStyle): readonly string[] {
  switch (style) {
    case 'd':
      return decode(program).map(describe);
    case 'dd':
      return program.map(asInitialiser);
    case 'ddd':
      return [
        `${program.length}`,
        ...program.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`),
      ];
    default:
      return assertNever(style);
  }
}

function asInitialiser({ code, jt, jf, k }: RawInsn): string {
  return `{ 0x${code.toString(16)}, ${jt}, ${jf}, 0x${k.toString(16).padStart(8, '0')} },`;
}

function describe(insn: CbpfInsn, index: number): string {
  const [name, operand] = words(insn, index);
  const head = `(${String(index).padStart(3, '0')}) ${name.padEnd(8)} `;
  if (insn.op !== 'jump') return head + operand;
  const [jt, jf] = [index + 1 + insn.jt, index + 1 + insn.jf];
  return `${head}${operand.padEnd(16)} jt ${jt}\tjf ${jf}`;
}

const SUFFIX: Readonly<Record<LoadSize, string>> = { 1: 'b', 2: 'h', 4: '' };

function words(insn: CbpfInsn, index: number): readonly [string, string] {
  switch (insn.op) {
    case 'ld-abs':
      return [`ld${SUFFIX[insn.size]}`, `[${extensionName(insn.k) ?? signed(insn.k)}]`];
    case 'ld-ind':
      return [`ld${SUFFIX[insn.size]}`, `[x + ${signed(insn.k)}]`];
    case 'ldx-msh':
      return ['ldxb', `4*([${signed(insn.k)}]&0xf)`];
    case 'ld-len':
      return [insn.to === 'a' ? 'ld' : 'ldx', '#pktlen'];
    case 'ld-imm':
      return [insn.to === 'a' ? 'ld' : 'ldx', hex(insn.k)];
    case 'ld-mem':
      return [insn.to === 'a' ? 'ld' : 'ldx', `M[${insn.slot}]`];
    case 'st-mem':
      return [insn.from === 'a' ? 'st' : 'stx', `M[${insn.slot}]`];
    case 'alu':
      return [insn.alu, operandOf(insn.operand, BITWISE.has(insn.alu) ? hex : decimal)];
    case 'neg':
    case 'tax':
    case 'txa':
      return [insn.op, ''];
    case 'ja':
      return ['ja', `${(index + 1 + insn.k) | 0}`];
    case 'jump':
      return [insn.test, operandOf(insn.operand, hex)];
    case 'ret':
      return ['ret', insn.value.kind === 'k' ? decimal(insn.value.k) : ''];
    default:
      return assertNever(insn);
  }
}

const BITWISE: ReadonlySet<string> = new Set(['and', 'or', 'xor']);

const signed = (k: number): string => `${k | 0}`;
const decimal = (k: number): string => `#${signed(k)}`;
const hex = (k: number): string => `#0x${k.toString(16)}`;

function operandOf(operand: Operand, format: (k: number) => string): string {
  return operand.kind === 'k' ? format(operand.k) : 'x';
}
