import { expect, test } from 'vitest';

import { escapeText } from '../../../src/util/escape.ts';

test.each([
  ['eth0', 'eth0'],
  ['(sd-pam)', '(sd-pam)'],
  ['Web Content', 'Web Content'],
  ['schön-日本🐧', 'schön-日本🐧'],
  ['a\nb\r\tc', 'a\\x0ab\\x0d\\x09c'],
  ['\x1b[2J\x07', '\\x1b[2J\\x07'],
  ['\x00\x7f', '\\x00\\x7f'],
  ['\x85\x9b31m', '\\x85\\x9b31m'],
  ['\\x1b', '\\\\x1b'],
  ['a\u2028b\u202ec\u200bd\ufeff', 'a\\u2028b\\u202ec\\u200bd\\ufeff'],
  ['\ud83d', '\\ud83d'],
  ['\u{e0041}', '\\u{e0041}'],
])('escapeText() turns %j into %j', (text, expected) => {
  expect(escapeText(text)).toBe(expected);
});

test('escapeText() leaves no control character of any kind', () => {
  for (let code = 0; code < 0x10000; code++) {
    expect(escapeText(String.fromCharCode(code))).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  }
});
