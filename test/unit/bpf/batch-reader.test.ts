import { describe, expect, it } from 'vitest';
import { BatchReader, type ReadBatch } from '../../../src/bpf/batch-reader.ts';

const ENOENT = 2;
const ENOSPC = 28;

/** A hash map of these buckets, of one-byte keys and values, as __htab_map_lookup_and_delete_batch() reads it. */
function fakeMap(buckets: readonly (readonly number[])[]): { read: ReadBatch; rooms: number[] } {
  const rooms: number[] = [];
  const read: ReadBatch = (from, next, keys, values, room) => {
    rooms.push(room);
    let count = 0;
    let bucket = from?.[0] ?? 0;
    for (; bucket < buckets.length; bucket++) {
      const elements = buckets[bucket]!;
      if (elements.length > room - count) {
        next[0] = bucket;
        return { result: count === 0 ? -ENOSPC : 0, count };
      }
      keys.set(elements, count);
      values.set(
        elements.map((each) => each * 2),
        count,
      );
      count += elements.length;
    }
    next[0] = bucket;
    return { result: -ENOENT, count };
  };
  return { read, rooms };
}

function readAll(buckets: readonly (readonly number[])[], elements: number): number[][] {
  const found: number[][] = [];
  new BatchReader(fakeMap(buckets).read, 1, 1, elements).forEach((key, value) => {
    found.push([key[0]!, value[0]!]);
  });
  return found;
}

const all = (...keys: number[]): number[][] => keys.map((key) => [key, 2 * key]);

describe('BatchReader', () => {
  it('reads each element once, in as many calls as it takes', () => {
    expect(readAll([[1, 2], [], [3], [4, 5]], 3)).toEqual(all(1, 2, 3, 4, 5));
    expect(readAll([[], [], []], 4)).toEqual([]);
    expect(readAll([[1], [2], [3]], 100)).toEqual(all(1, 2, 3));
  });

  it('makes room for a bucket that has more than fits, and loses none', () => {
    expect(readAll([[1], [2, 3, 4, 5, 6], [7]], 1)).toEqual(all(1, 2, 3, 4, 5, 6, 7));
  });

  it('keeps the room that it made', () => {
    const { read, rooms } = fakeMap([[1, 2, 3, 4]]);
    const reader = new BatchReader(read, 1, 1, 1);
    reader.forEach(() => undefined);
    expect(rooms).toEqual([1, 2, 4]);
    reader.forEach(() => undefined);
    expect(rooms).toEqual([1, 2, 4, 4]);
  });

  it('takes no more than a megabyte at a time', () => {
    const { read, rooms } = fakeMap([]);
    new BatchReader(read, 16, 16 * 128, 8193).forEach(() => undefined);
    expect(rooms).toEqual([512]);
  });
});
