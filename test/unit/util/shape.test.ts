import { describe, expect, it } from 'vitest';
import {
  either,
  integer,
  list,
  oneOf,
  optional,
  record,
  ShapeError,
  text,
  truth,
} from '../../../src/util/shape.ts';

describe('a shape', () => {
  const shape = record<{ name: string; size: number | undefined; tags: readonly boolean[] }>({
    name: text(3, /^[a-z]+$/),
    size: optional(integer(1, 9)),
    tags: list(truth, 2),
  });

  it('gives the value when it is right', () => {
    expect(shape({ name: 'abc', size: 9, tags: [true] }, 'x')).toEqual({
      ...{ name: 'abc', size: 9, tags: [true] },
    });
    expect(shape({ name: 'a', tags: [] }, 'x').size).toBeUndefined();
  });

  it.each([
    [null, 'x: no object'],
    [[], 'x: no object'],
    ['abc', 'x: no object'],
    [{ name: 'abcd', tags: [] }, 'x.name: longer than 3'],
    [{ name: 'A', tags: [] }, 'x.name: not of its form'],
    [{ name: 1, tags: [] }, 'x.name: no text'],
    [{ name: 'a', size: '1', tags: [] }, 'x.size: no number from 1 to 9'],
    [{ name: 'a', size: null, tags: [] }, 'x.size: no number from 1 to 9'],
    [{ name: 'a', size: 10, tags: [] }, 'x.size: no number from 1 to 9'],
    [{ name: 'a' }, 'x.tags: no list'],
    [{ name: 'a', tags: [true, true, true] }, 'x.tags: more than 2'],
    [{ name: 'a', tags: [true, 'true'] }, 'x.tags[1]: neither true nor false'],
    [JSON.parse('{"name":"a","tags":[],"__proto__":{}}'), 'x.__proto__: not known'],
    [{ name: 'a', tags: [], toString: 1 }, 'x.toString: not known'],
  ])('refuses %j: %s', (value: unknown, message) => {
    expect(() => shape(value, 'x')).toThrow(ShapeError);
    expect(() => shape(value, 'x')).toThrow(message);
  });

  it('of several takes the one that fits', () => {
    const several = either(oneOf(['a', 'b']), integer(0, 1));
    expect([several('b', 'x'), several(1, 'x')]).toEqual(['b', 1]);
    expect(() => several('c', 'x')).toThrow('x: no number from 0 to 1');
  });
});
