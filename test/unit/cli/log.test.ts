import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLogger, escapeControl } from '../../../src/log.ts';

test('escapeControl() shows what could steer a terminal, and keeps the rest', () => {
  expect(escapeControl('a\x1b[2Jb\r\u202e\u009b\n\té\\')).toBe(
    'a\\x1b[2Jb\\x0d\\u202e\\x9b\n\té\\',
  );
});

test('createLogger() writes lines with the prefix, and text as it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'xcap-log-'));
  const path = join(folder, 'log');
  const fd = openSync(path, 'w');
  const log = createLogger(fd);
  log.note('one', 'and one');
  log.note();
  log.text('  two');
  log.text('three\n');
  closeSync(fd);
  log.note('lost, without an error');
  expect(readFileSync(path, 'utf8')).toBe('xcap: one\nxcap: and one\n  two\nthree\n');
  rmSync(folder, { recursive: true });
});
