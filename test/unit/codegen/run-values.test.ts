import { describe, expect, it } from 'vitest';
import { RunValues } from '../../../src/codegen/run-values.ts';

describe('RunValues', () => {
  it('gives the same C for the same thing, however large it is', () => {
    const texts = [
      [5n, 5n, 7n],
      [5n, 6n, 5n],
    ].map(([first = 0n, second = 0n, third = 0n]) => {
      const values = new RunValues();
      const of = [
        values.of(first),
        values.of(second),
        values.of(third, 'base'),
        values.of(third, 'base'),
      ];
      expect(values.all).toEqual([first, second, third]);
      return of;
    });
    expect(texts[0]).toEqual(['XCAP_VALUE(0)', 'XCAP_VALUE(1)', 'XCAP_VALUE(2)', 'XCAP_VALUE(2)']);
    expect(texts[1]).toEqual(texts[0]);
  });

  it('does not take two numbers for one thing', () => {
    const values = new RunValues();
    values.of(1, 'base');
    expect(() => values.of(2, 'base')).toThrow('base is two numbers');
  });
});
