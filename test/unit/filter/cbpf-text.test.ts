import { describe, expect, it } from 'vitest';
import { isCbpfText, parseCbpfText } from '../../../src/filter/cbpf-text.ts';

describe('cBPF as text', () => {
  it.each(['1,6 0 0 1', '2,48 0 0 0,6 0 0 1', ' 1,6 0 0 1, '])('is %o', (text) => {
    expect(isCbpfText(text)).toBe(true);
  });

  it.each(['', 'icmp', '1', '1,6 0 0', '1;6 0 0 1', '1,6  0 0 1', '1,0x6 0 0 1'])(
    'is not %o',
    (text) => {
      expect(isCbpfText(text)).toBe(false);
    },
  );

  it('gives the instructions, a comma at the end or not', () => {
    const program = [
      { code: 48, jt: 0, jf: 0, k: 23 },
      { code: 21, jt: 0, jf: 1, k: 4294967295 },
    ];
    expect(parseCbpfText('2,48 0 0 23,21 0 1 4294967295')).toEqual(program);
    expect(parseCbpfText('2,48 0 0 23,21 0 1 4294967295,')).toEqual(program);
  });

  it.each([
    ['3,6 0 0 1', '3 instructions announced, and 1 there'],
    ['1,6 0 0 4294967296', 'instruction 0: k 4294967296: too large'],
    ['2,6 0 0 1,6 256 0 1', 'instruction 1: jt 256: too large'],
    ['1,65536 0 0 1', 'instruction 0: code 65536: too large'],
  ])('%o is wrong: %s', (text, why) => {
    expect(() => parseCbpfText(text)).toThrow(`reading cBPF: ${why}`);
  });
});
