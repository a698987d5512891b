import { describe, expect, test } from 'vitest';
import { decodeReturn } from '../../../src/records/returned.ts';

/** What is left of -1 in 32 bits when the register's upper half is not cleared, and when it is. */
const MINUS_ONE_32 = 0xffffffffn;

describe('decodeReturn()', () => {
  test.each([
    [0n, '0'],
    [7n, '7'],
    [MINUS_ONE_32, '-EPERM'],
    [0xffff_ffff_ffff_ffffn, '-EPERM'],
    [BigInt.asUintN(32, -524n), '-ENOTSUPP'],
    [BigInt.asUintN(32, -11n), '-EAGAIN'],
    [BigInt.asUintN(32, -95n), '-EOPNOTSUPP'],
    [BigInt.asUintN(32, -3000n), '-3000'],
    [0xdead_0000_0001n, '1'],
  ])('takes 32 bits of 0x%s and names errors', (value, ret) => {
    expect(decodeReturn({ kind: 'signed', bits: 32 }, value)).toEqual({ ret });
  });

  test('names enumerators, and errors beside them', () => {
    const type = { kind: 'enum', bits: 32, names: new Map([[3n, 'RX_HANDLER_PASS']]) } as const;
    expect(decodeReturn(type, 3n)).toEqual({ ret: 'RX_HANDLER_PASS' });
    expect(decodeReturn(type, 9n)).toEqual({ ret: '9' });
    expect(decodeReturn(type, MINUS_ONE_32)).toEqual({ ret: '-EPERM' });
  });

  test('tells addresses, NULL and ERR_PTR() apart', () => {
    const type = { kind: 'pointer' } as const;
    expect(decodeReturn(type, 0n)).toEqual({ ret: 'NULL' });
    expect(decodeReturn(type, 0xffff_8881_0000_1000n)).toEqual({ ret: '0xffff888100001000' });
    expect(decodeReturn(type, BigInt.asUintN(64, -12n))).toEqual({ ret: '-ENOMEM' });
  });

  test('shows the register where nothing is known of it', () => {
    expect(decodeReturn({ kind: 'register' }, MINUS_ONE_32)).toEqual({ ret: '0xffffffff' });
  });

  test('takes a bool from one byte, whatever is above', () => {
    expect(decodeReturn({ kind: 'unsigned', bits: 8 }, 0xffff_ff01n)).toEqual({ ret: '1' });
  });

  test.each([
    ['xdp', 0n, 0, 'ABORTED'],
    ['xdp', 4n, 4, 'REDIRECT'],
    ['xdp', 9n, 9, '9'],
    ['xdp', MINUS_ONE_32, 0xffffffff, '4294967295'],
    ['tc', 2n, 2, 'SHOT'],
    ['tc', MINUS_ONE_32, -1, 'UNSPEC'],
  ] as const)('gives the verdict of %s for 0x%s', (by, value, number, name) => {
    expect(decodeReturn({ kind: 'verdict', by }, value)).toEqual({
      verdict: name,
      verdictCode: { by, value: number },
    });
  });
});
