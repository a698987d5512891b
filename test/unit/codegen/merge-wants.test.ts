import { expect, test } from 'vitest';
import { mergeWants } from '../../../src/codegen/merge-wants.ts';

test('mergeWants() wants each member of both once', () => {
  const merged = mergeWants({ a: ['x', 'y'], b: ['z'] }, { a: ['y', 'w'], c: [] });
  expect(merged).toEqual({ a: ['x', 'y', 'w'], b: ['z'], c: [] });
});
