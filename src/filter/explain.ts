import type { RawProgram } from './cbpf.ts';
import { decode } from './decode.ts';
import { type CbpfInsn, jaTarget, type LoadSize } from './insn.ts';
import { list } from './list.ts';
import { extensionName } from './meta.ts';
import { BEHIND_IP, describeValue, fieldAt, type Known } from './packet-fields.ts';

/** What is known at a place of the program: values that all paths to it have tested. */
interface State {
  readonly known: Known;
  /** What A and X hold, for the comparison that comes. */
  readonly a: string | undefined;
  readonly x: string | undefined;
}

const NOTHING: State = { known: new Map(), a: undefined, x: undefined };

/**
 * The listing of `tcpdump -d` with a comment behind each line: which field of which header a load
 * looks at, as far as the tests on every path to it tell, and what a number stands for.
 *
 * @param linkType DLT_ number
 */
export function annotate(program: RawProgram, linkType: number): readonly string[] {
  const insns = decode(program);
  const lines = list(program, 'd');
  const width = Math.max(...lines.map((line) => expand(line).length));
  const states = new Map<number, State>([[0, NOTHING]]);
  // Where a loop begins, what later rounds know is not known yet.
  insns.forEach((insn, index) => {
    if (insn.op === 'ja' && jaTarget(insn, index) <= index)
      states.set(jaTarget(insn, index), NOTHING);
  });
  return insns.map((insn, index) => {
    const state = states.get(index);
    const line = expand(lines[index] ?? '');
    if (state === undefined) return `${line.padEnd(width)}  ; not reached`;
    const { note, after } = step(insn, state, linkType);
    for (const [to, next] of after(index))
      if (to > index) states.set(to, join(states.get(to), next));
    return note === '' ? line : `${line.padEnd(width)}  ; ${note}`;
  });
}

/** Tabs as tcpdump's output shows them. */
function expand(line: string): string {
  const [head = '', ...rest] = line.trimEnd().split('\t');
  return rest.reduce(
    (text, part) => text.padEnd((Math.floor(text.length / 8) + 1) * 8) + part,
    head,
  );
}

function join(left: State | undefined, right: State): State {
  if (left === undefined) return right;
  const known = [...left.known].flatMap(([field, values]) => {
    const others = right.known.get(field);
    return others === undefined ? [] : [[field, new Set([...values, ...others])] as const];
  });
  return {
    known: new Map(known),
    a: left.a === right.a ? left.a : undefined,
    x: left.x === right.x ? left.x : undefined,
  };
}

interface Step {
  readonly note: string;
  /** The instructions that can come next, from the number of this one. */
  readonly after: (index: number) => readonly (readonly [number, State])[];
}

function step(insn: CbpfInsn, state: State, linkType: number): Step {
  const on = (note: string, next: Partial<State>): Step => ({
    note,
    after: (index) => [[index + 1, { ...state, ...next }]],
  });
  switch (insn.op) {
    case 'ld-abs': {
      const extension = extensionName(insn.k);
      if (extension !== undefined) return on(`what Linux knows: ${extension}`, { a: undefined });
      const name = fieldAt(linkType, state.known, insn.k, insn.size);
      return on(name ?? place(insn.k, insn.size), { a: `${insn.k}:${insn.size}` });
    }
    case 'ld-ind': {
      const behindIp = state.x === BEHIND_IP;
      const name = behindIp
        ? fieldAt(linkType, state.known, insn.k, insn.size, BEHIND_IP)
        : undefined;
      return on(name ?? `${plural(insn.size)} at X + ${insn.k}`, {
        a: behindIp ? `${BEHIND_IP}+${insn.k}:${insn.size}` : undefined,
      });
    }
    case 'ldx-msh': {
      const isHeader = fieldAt(linkType, state.known, insn.k, 1) === 'IP version and header length';
      return on(isHeader ? 'X = length of the IP header' : `X = 4 * low half of byte ${insn.k}`, {
        x: isHeader ? BEHIND_IP : undefined,
      });
    }
    case 'ld-len':
      return on('length on the wire', { [insn.to]: undefined });
    case 'jump': {
      const test = insn.operand.kind === 'k' && insn.test === 'jeq' ? insn.operand.k : undefined;
      const known = new Map(state.known);
      if (test !== undefined && state.a !== undefined) known.set(state.a, new Set([test]));
      return {
        note:
          insn.operand.kind === 'k'
            ? describeValue(linkType, state.known, state.a, insn.operand.k)
            : '',
        after: (index) => [
          [index + 1 + insn.jt, { ...state, known }],
          [index + 1 + insn.jf, state],
        ],
      };
    }
    case 'ja':
      return { note: '', after: (index) => [[jaTarget(insn, index), state]] };
    case 'ret': {
      const { value } = insn;
      const note =
        value.kind === 'a' ? 'matches unless A is 0' : value.k === 0 ? 'no match' : 'match';
      return { note, after: () => [] };
    }
    case 'tax':
      return on('', { x: state.a });
    case 'txa':
      return on('', { a: state.x });
    case 'ld-imm':
    case 'ld-mem':
      return on('', { [insn.to]: undefined });
    case 'alu': {
      const mask = insn.alu === 'and' && insn.operand.kind === 'k' ? insn.operand.k : undefined;
      const masked = state.a !== undefined && mask !== undefined ? `${state.a}&${mask}` : undefined;
      return on('', { a: masked });
    }
    case 'neg':
      return on('', { a: undefined });
    default:
      return on('', {});
  }
}

const plural = (size: LoadSize): string => (size === 1 ? 'byte' : `${size} bytes`);
const place = (at: number, size: LoadSize): string =>
  size === 1 ? `byte ${at}` : `bytes ${at} to ${at + size - 1}`;
