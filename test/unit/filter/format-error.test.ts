import { expect, test } from 'vitest';
import { FilterError } from '../../../src/errors.ts';
import { formatFilterError } from '../../../src/filter/format-error.ts';

const lines = (expression: string, column: number): readonly string[] =>
  formatFilterError(new FilterError(expression, column, 'compiling the filter: syntax error'));

test('formatFilterError() puts the caret below the place', () => {
  expect(lines('tcp and and', 8)).toEqual([
    'compiling the filter: syntax error',
    '  tcp and and',
    '          ^',
  ]);
});

test('formatFilterError() puts the caret behind the end', () => {
  expect(lines('port', 4)[2]).toBe('      ^');
});

test('formatFilterError() escapes what is not printable ASCII and moves the caret along', () => {
  expect(lines('\ttcp\n\u001b[31m é \u202e😀 and', 17).slice(1)).toEqual([
    '  \\ttcp\\n\\x1b[31m \\xe9 \\u{202e}\\u{1f600} and',
    `  ${' '.repeat('\\ttcp\\n\\x1b[31m \\xe9 \\u{202e}\\u{1f600} '.length)}^`,
  ]);
});

test('formatFilterError() cuts a long expression around the place', () => {
  const expression = `${'tcp or '.repeat(100)}or ${'udp or '.repeat(100)}`;
  const [, text, caret] = lines(expression, 700);
  expect(text!.length).toBeLessThan(120);
  expect(text!.slice(caret!.indexOf('^'), caret!.indexOf('^') + 6)).toBe('or udp');
  expect(text).toMatch(/^ {2}\.\.\..*\.\.\.$/);
});
