import { describe, expect, it } from 'vitest';
import { objectKey, slotName } from '../../../src/compile/object-key.ts';

const units = [{ text: 'int a;', functions: ['f', 'g'] }];
const key = objectKey(units, { HOME: '/root' });

describe('objectKey()', () => {
  it('is the same for the same texts, whatever else is in the environment', () => {
    expect(objectKey([{ ...units[0]!, text: 'int a;' }], { HOME: '/', TERM: 'dumb' })).toBe(key);
  });

  it.each([
    ['a byte of a text', [{ text: 'int b;', functions: ['f', 'g'] }]],
    ['the wanted functions', [{ text: 'int a;', functions: ['f'] }]],
    ['their order', [{ text: 'int a;', functions: ['g', 'f'] }]],
    ['where one text ends', [{ text: 'int a;f', functions: ['g'] }]],
    ['the number of texts', [...units, ...units]],
  ])('differs with %s', (_what, other) => {
    expect(objectKey(other, {})).not.toBe(key);
  });

  it.each(['LD_LIBRARY_PATH', 'LD_PRELOAD', 'BCC_LINUX_VERSION_CODE', 'CPATH', 'C_INCLUDE_PATH'])(
    'differs with %s',
    (name) => {
      expect(objectKey(units, { [name]: '/opt' })).not.toBe(key);
    },
  );
});

it('slotName() has a place of its own for each question', () => {
  expect(slotName('a')).toMatch(/^[0-9a-f]{64}$/);
  expect(slotName('a')).not.toBe(slotName('b'));
});
