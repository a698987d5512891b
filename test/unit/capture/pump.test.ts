import { describe, expect, it } from 'vitest';
import { lookAgainMs } from '../../../src/capture/pump.ts';

const MIB = 1 << 20;

describe('lookAgainMs()', () => {
  it('is never so long that 4 MiB a millisecond fill the ring', () => {
    for (let ring = 4096; ring <= 1 << 30; ring *= 2) {
      expect(lookAgainMs(ring)).toBeLessThanOrEqual(Math.max(1, ring / (4 * MIB)));
    }
  });

  it('is 4 ms with the ring that is the default', () => {
    expect(lookAgainMs(16 * MIB)).toBe(4);
  });

  it('is a millisecond with a small ring, and never longer than people wait', () => {
    expect(lookAgainMs(4096)).toBe(1);
    expect(lookAgainMs(1 << 30)).toBe(20);
  });
});
