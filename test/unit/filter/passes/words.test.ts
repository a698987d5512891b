import { expect, test } from 'vitest';
import type { RawProgram } from '../../../../src/filter/cbpf.ts';
import { boundsGuards } from '../../../../src/filter/passes/bounds-guards.ts';
import { ranges } from '../../../../src/filter/passes/ranges.ts';
import { words } from '../../../../src/filter/passes/words.ts';
import { asm, irOf } from '../support/asm.ts';

/** By block: place and size of its loads, with the word that they lie in. */
function wordsIn(...program: RawProgram): readonly string[] {
  return words(boundsGuards(ranges(irOf(...program)))).blocks.flatMap(({ insns }) =>
    insns.flatMap((insn) => {
      if (insn.op !== 'ld-abs' && insn.op !== 'ldx-msh') return [];
      const word = insn.word === undefined ? '' : ` of ${insn.word}`;
      return [`${insn.k}+${insn.op === 'ld-abs' ? insn.size : 1}${word}`];
    }),
  );
}

test('words() puts the fields of a header together', () => {
  const udp = [asm.ldh(12), asm.jeq(0x800, 0, 6), asm.ldb(23), asm.jeq(17, 0, 4), asm.ldh(20)];
  expect(wordsIn(...udp, asm.jeq(0, 0, 2), asm.ldxMsh(14), asm.retA(), asm.ret(0))).toEqual([
    ...['12+2 of 7', '23+1 of 16', '20+2 of 16', '14+1 of 7'],
  ]);
});

test('words() leaves a field alone where the packet may end inside the word', () => {
  const either = [asm.ldh(12), asm.jeq(0x806, 3, 0), asm.ldh(16), asm.jeq(9, 1, 0), asm.ret(0)];
  expect(wordsIn(...either, asm.ret(1))).toEqual(['12+2', '16+2']);
});

test('words() leaves fields alone that no packet is asked for both of', () => {
  const program = [asm.ldb(40), asm.jeq(1, 0, 2), asm.ldb(20), asm.retA(), asm.ldb(22), asm.retA()];
  expect(wordsIn(...program)).toEqual(['40+1', '20+1', '22+1']);
});

test('words() does nothing to the same field asked for twice', () => {
  expect(wordsIn(asm.ldb(9), asm.jeq(1, 0, 1), asm.ldb(9), asm.retA())).toEqual(['9+1', '9+1']);
});

test('words() leaves long filters alone', () => {
  const many = Array.from({ length: 120 }, () => [asm.ldh(12), asm.jeq(1, 1, 0), asm.ldh(16)]);
  const program = [...many.flatMap(([a, b, c]) => [a!, b!, c!]), asm.retA()];
  expect(wordsIn(...program).filter((each) => each.includes('of'))).toEqual([]);
});
