import { describe, expect, test } from 'vitest';
import { editDistance, nearest } from '../../../src/util/nearest.ts';

describe('editDistance()', () => {
  test.each([
    ['', '', 0],
    ['drop', 'drop', 0],
    ['drop', 'drpo', 1],
    ['drop', 'dro', 1],
    ['drop', 'drops', 1],
    ['drop', 'crop', 1],
    ['ca', 'abc', 3],
    ['netfilter', 'netflitre', 2],
  ])('%s to %s takes %i', (left, right, distance) => {
    expect(editDistance(left, right, 9)).toBe(distance);
    expect(editDistance(right, left, 9)).toBe(distance);
    expect(editDistance(left, right, distance)).toBe(distance);
    expect(editDistance(left, right, distance - 1)).toBeUndefined();
  });
});

describe('nearest()', () => {
  const names = ['NETFILTER_DROP', 'NEIGH_DEAD', 'NO_SOCKET', 'SOCKET_FILTER', 'SOCKET_CLOSE'];

  test.each([
    ['netfilter_drpo', ['NETFILTER_DROP']],
    ['NETFILTER', ['NETFILTER_DROP']],
    ['socket', ['SOCKET_CLOSE', 'SOCKET_FILTER', 'NO_SOCKET']],
    ['zzzz', []],
    ['', []],
  ])('%s means %j', (word, expected) => {
    expect(nearest(word, names)).toEqual(expected);
  });

  test('gives no more than asked for', () => {
    expect(nearest('socket', names, 1)).toEqual(['SOCKET_CLOSE']);
  });
});
