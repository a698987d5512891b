import { describe, expect, it } from 'vitest';
import { RingReader, type RingMemory } from '../../../src/bpf/ring.ts';

const SIZE = 4096;
const BUSY = 0x8000_0000;
const DISCARD = 0x4000_0000;

/** A ring in ordinary memory; the double mapping is played by writing both copies. */
class FakeRing {
  readonly memory: RingMemory = {
    consumer: new BigInt64Array(1),
    producer: new BigInt64Array(1),
    data: new Uint8Array(2 * SIZE),
    size: SIZE,
  };
  #position = 0;

  #set(at: number, byte: number): void {
    this.memory.data[at % SIZE] = byte;
    this.memory.data[(at % SIZE) + SIZE] = byte;
  }

  produce(payload: readonly number[], flags = 0): number {
    const start = this.#position;
    this.mark(start, payload.length, flags);
    payload.forEach((byte, i) => {
      this.#set(start + 8 + i, byte);
    });
    this.#position = start + ((8 + payload.length + 7) & ~7);
    this.memory.producer[0] = BigInt(this.#position);
    return start;
  }

  mark(start: number, length: number, flags: number): void {
    const header = (length | flags) >>> 0;
    for (let i = 0; i < 4; i++) this.#set(start + i, (header >>> (8 * i)) & 0xff);
  }
}

function drain(ring: FakeRing, reader: RingReader, limit = 1000): number[][] {
  const out: number[][] = [];
  reader.drain(limit, (at, length) => {
    out.push([...ring.memory.data.subarray(at, at + length)]);
  });
  return out;
}

describe('RingReader', () => {
  it('drain() hands over records in order and publishes that they are consumed', () => {
    const ring = new FakeRing();
    const reader = new RingReader(ring.memory);
    ring.produce([1, 2, 3]);
    ring.produce([4]);
    expect(drain(ring, reader)).toEqual([[1, 2, 3], [4]]);
    expect(ring.memory.consumer[0]).toBe(ring.memory.producer[0]);
  });

  it('drain() reads a record that crosses the end of the ring in one piece', () => {
    const ring = new FakeRing();
    const reader = new RingReader(ring.memory);
    const filler = Array.from({ length: 4000 }, (_, i) => i & 0xff);
    const crossing = Array.from({ length: 300 }, (_, i) => (i * 7) & 0xff);
    ring.produce(filler);
    expect(drain(ring, reader)).toHaveLength(1);
    ring.produce(crossing);
    expect(drain(ring, reader)).toEqual([crossing]);
  });

  it('drain() stops before a record that is still being written, and takes it once committed', () => {
    const ring = new FakeRing();
    const reader = new RingReader(ring.memory);
    ring.produce([1]);
    const busy = ring.produce([2], BUSY);
    ring.produce([3]);
    expect(drain(ring, reader)).toEqual([[1]]);
    expect(Number(ring.memory.consumer[0])).toBe(busy);
    ring.mark(busy, 1, 0);
    expect(drain(ring, reader)).toEqual([[2], [3]]);
  });

  it('drain() passes over discarded records without counting them', () => {
    const ring = new FakeRing();
    const reader = new RingReader(ring.memory);
    ring.produce([1], DISCARD);
    ring.produce([2]);
    expect(drain(ring, reader, 1)).toEqual([[2]]);
  });

  it('drain() stops at the limit, losing nothing', () => {
    const ring = new FakeRing();
    const reader = new RingReader(ring.memory);
    for (let i = 0; i < 5; i++) ring.produce([i]);
    expect(drain(ring, reader, 2)).toEqual([[0], [1]]);
    expect(drain(ring, reader, 1)).toEqual([[2]]);
    expect(drain(ring, reader)).toEqual([[3], [4]]);
  });

  it('drain() publishes its position when the callback throws', () => {
    const ring = new FakeRing();
    const reader = new RingReader(ring.memory);
    ring.produce([1]);
    ring.produce([2]);
    expect(() =>
      reader.drain(10, () => {
        throw new Error('sink');
      }),
    ).toThrow('sink');
    expect(drain(ring, reader)).toEqual([[2]]);
  });
});
