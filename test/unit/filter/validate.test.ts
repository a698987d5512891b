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

test('validate() accepts a jump back inside the program only', () => {
  check([asm.ldb(0), asm.ja(0xffff_fffe), asm.ret(0)]);
  expect(() => {
    check([asm.ldb(0), asm.ja(0xffff_fffd), asm.ret(0)]);
  }).toThrow(/jumps out/);
});

test('validate() sees a cell that is missing on the way back only', () => {
  // Entered behind the load of M[0], which the jump back then reaches without its store.
  const program = [asm.ldb(0), asm.jeq(1, 2, 0), asm.st(0), asm.ldMem(0), asm.ja(0xffff_fffe)];
  expect(() => {
    check([...program, asm.ret(0)]);
  }).toThrow(/M\[0\] before/);
});

test.each([
  [12, 'nla'],
  [16, 'nlan'],
  [40, 'xor_x'],
  [52, 'poff'],
])('validate() refuses Linux extension %i, which no expression asks for', (extension, name) => {
  expect(() => {
    check([asm.ld(0xffff_f000 + extension), asm.ret(0)]);
  }).toThrow(`Linux extension ${name}: not supported`);
});

test('validate() accepts the other extensions, and offsets before the packet', () => {
  for (const extension of [0, 4, 8, 20, 24, 28, 32, 36, 44, 48, 56, 60]) {
    check([asm.ldb(0xffff_f000 + extension), asm.ret(0)]);
  }
  check([asm.ldb(0xffff_ffff), asm.ret(0)]);
  check([asm.ldbInd(0xffff_ffff), asm.ret(0)]);
});
