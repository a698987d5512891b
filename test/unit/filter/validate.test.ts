import { expect, test } from 'vitest';
import type { RawProgram } from '../../../src/filter/cbpf.ts';
import { decode } from '../../../src/filter/decode.ts';
import { validate } from '../../../src/filter/validate.ts';
import { asm } from './support/asm.ts';
import { attachToSocket } from './support/kernel-cbpf.ts';

const check = (program: RawProgram): void => {
  validate(decode(program));
};

const REFUSED: readonly (readonly [string, RawProgram, RegExp])[] = [
  ['an empty program', [], /does not end in a return/],
  ['a program without a return at its end', [asm.ldb(0)], /does not end in a return/],
  ['a jump past the end', [asm.jeq(0, 1, 0), asm.ret(0)], /instruction 0: jumps out/],
  ['a jump of `ja` past the end', [asm.ja(1), asm.ret(0)], /instruction 0: jumps out/],
  ['a cell that does not exist', [asm.st(16), asm.ret(0)], /M\[16\] does not exist/],
  ['a division by zero', [asm.div(0), asm.ret(0)], /divides by zero/],
  ['a shift by 32', [asm.lsh(32), asm.ret(0)], /shifts by 32/],
  ['a cell read before it is written', [asm.ldMem(3), asm.ret(0)], /reads M\[3\] before/],
  [
    'a cell that only one of two paths writes',
    [asm.ldb(0), asm.jeq(1, 0, 1), asm.st(2), asm.ldMem(2), asm.retA()],
    /reads M\[2\] before/,
  ],
  ['an unknown opcode', [{ code: 0x08, jt: 0, jf: 0, k: 0 }, asm.ret(0)], /unknown opcode 0x8/],
  ['ret x', [{ code: 0x0e, jt: 0, jf: 0, k: 0 }], /unknown opcode 0xe/],
];

test.each(REFUSED)('validate() refuses %s, as the kernel does', (_name, program, message) => {
  expect(() => {
    check(program);
  }).toThrow(message);
  expect(attachToSocket(program)).toBeUndefined();
});

test('validate() accepts a cell that both paths write', () => {
  const program = [asm.ldb(0), asm.jeq(1, 0, 2), asm.st(2), asm.ja(1), asm.stx(2), asm.ldMem(2)];
  check([...program, asm.retA()]);
});

test('validate() accepts a cell that is read only on paths that wrote it', () => {
  check([asm.ldb(0), asm.jeq(1, 0, 2), asm.st(2), asm.ja(1), asm.ret(0), asm.ldMem(2), asm.retA()]);
});

test('validate() says that protochain needs a loop', () => {
  const back = asm.ja(0xffff_fffe);
  expect(() => {
    check([asm.ldb(0), back, asm.ret(0)]);
  }).toThrow(/protochain: needs a loop/);
});

test.each([
  [4, 'inbound'],
  [8, 'ifindex'],
  [48, 'vlan'],
])('validate() names the words that load Linux extension %i', (extension, word) => {
  expect(() => {
    check([asm.ld(0xffff_f000 + extension), asm.ret(0)]);
  }).toThrow(word);
});

test('validate() refuses an offset before the packet, but not beside X', () => {
  expect(() => {
    check([asm.ldb(0xffff_ffff), asm.ret(0)]);
  }).toThrow('offset -1: lies before the packet');
  check([asm.ldbInd(0xffff_ffff), asm.ret(0)]);
});
