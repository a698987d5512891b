import { assertNever } from '../../errors.ts';
import { metaMax } from '../meta.ts';
import { MEM_WORDS } from '../opcodes.ts';
import type { FilterIr, IndexedLoad, IrInsn, ValueRange } from '../ir.ts';
import { forward } from '../ir.ts';
import { afterAlu, ANY_VALUE, either, exactly } from '../value-range.ts';

interface State {
  readonly a: ValueRange;
  readonly x: ValueRange;
  readonly memory: readonly ValueRange[];
}

const ENTRY: State = {
  a: exactly(0),
  x: exactly(0),
  memory: new Array<ValueRange>(MEM_WORDS).fill(ANY_VALUE),
};

/** Packets are shorter; below it X + k neither wraps nor becomes one of the negative offsets. */
const OFFSET_LIMIT = 0x7fff_ffff;

/** Follows the ranges of A, X and M[] along all paths, and notes that of X at each indexed load. */
export function ranges(ir: FilterIr): FilterIr {
  return forward(ir, ENTRY, joinStates, (block, before) => {
    let state = before;
    const insns = block.insns.map((insn) => {
      const noted = insn.op === 'ld-ind' ? noteIndex(insn, state.x) : insn;
      state = step(insn, state);
      return noted;
    });
    return { block: { ...block, insns }, after: state };
  });
}

function noteIndex(insn: IndexedLoad, x: ValueRange): IndexedLoad {
  return x.bits + insn.k + insn.size > OFFSET_LIMIT ? insn : { ...insn, index: x };
}

function joinStates(left: State, right: State): State {
  return {
    a: either(left.a, right.a),
    x: either(left.x, right.x),
    memory: left.memory.map((value, i) => either(value, right.memory[i] ?? ANY_VALUE)),
  };
}

const LOADED: Readonly<Record<1 | 2 | 4, ValueRange>> = {
  1: { max: 0xff, bits: 0xff },
  2: { max: 0xffff, bits: 0xffff },
  4: ANY_VALUE,
};
const HEADER_LENGTH: ValueRange = { max: 0x3c, bits: 0x3c };

function step(insn: IrInsn, state: State): State {
  const put = (to: 'a' | 'x', value: ValueRange): State => ({ ...state, [to]: value });
  switch (insn.op) {
    case 'ld-abs':
    case 'ld-ind':
      return put('a', LOADED[insn.size]);
    case 'ld-meta':
      return put('a', either(exactly(0), exactly(metaMax(insn.field))));
    case 'ldx-msh':
      return put('x', HEADER_LENGTH);
    case 'ld-len':
      return put(insn.to, ANY_VALUE);
    case 'ld-imm':
      return put(insn.to, exactly(insn.k));
    case 'ld-mem':
      return put(insn.to, state.memory[insn.slot] ?? ANY_VALUE);
    case 'st-mem':
      return { ...state, memory: state.memory.with(insn.slot, state[insn.from]) };
    case 'alu': {
      const { operand } = insn;
      return operand.kind === 'k'
        ? put('a', afterAlu(insn.alu, state.a, exactly(operand.k), operand.k))
        : put('a', afterAlu(insn.alu, state.a, state.x, undefined));
    }
    case 'neg':
      return put('a', ANY_VALUE);
    case 'tax':
      return put('x', state.a);
    case 'txa':
      return put('a', state.x);
    case 'guard-packet':
    case 'guard-index':
    case 'guard-divisor':
      return state;
    default:
      return assertNever(insn);
  }
}
