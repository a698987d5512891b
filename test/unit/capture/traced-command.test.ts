import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TracedCommand } from '../../../src/capture/traced-command.ts';
import { UsageError } from '../../../src/errors.ts';

const env = { PATH: process.env['PATH'], MALLOC_ARENA_MAX: '1', OWN: 'a b' };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-command-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function start(script: string, abort = new AbortController().signal): TracedCommand {
  return TracedCommand.start({ words: ['sh', '-c', script], env }, abort);
}

test('a command begins when it is told to, as the process that it was before', async () => {
  const file = join(folder, 'begun');
  using command = start(`echo "$$ $OWN $MALLOC_ARENA_MAX." >${file}; exit 3`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(existsSync(file)).toBe(false);
  expect(command.begun).toBe(false);
  command.begin();
  expect(await command.status).toBe(3);
  expect(command.ended.aborted).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe(`${command.pid} a b .\n`);
});

test('what is not told to begin never does', async () => {
  const file = join(folder, 'never');
  const command = start(`echo >${file}`);
  command[Symbol.dispose]();
  expect(await command.status).toBe(125);
  expect(existsSync(file)).toBe(false);
});

test('a signal goes on to the command, and its end is the end', async () => {
  const abort = new AbortController();
  using command = start('trap "exit 9" TERM; while :; do sleep 0.1; done', abort.signal);
  command.begin();
  await new Promise((resolve) => setTimeout(resolve, 300));
  abort.abort('SIGTERM');
  expect(command.ended.aborted).toBe(false);
  expect(await command.status).toBe(9);
  using killed = start('kill -KILL $$');
  killed.begin();
  expect(await killed.status).toBe(128 + 9);
});

test('a signal before it begins ends the capture', () => {
  const abort = new AbortController();
  using early = start('true', abort.signal);
  abort.abort('SIGINT');
  expect(early.ended.aborted).toBe(true);
  using earlier = start('true', abort.signal);
  expect(earlier.ended.aborted).toBe(true);
});

test.each(['icmp', 'tcp port 80', '/nonsuch/command', tmpdir(), ''])('%j is no command', (word) => {
  const refused = (): unknown =>
    TracedCommand.start({ words: [word], env }, new AbortController().signal);
  expect(refused).toThrow(UsageError);
  expect(refused).toThrow(`starting ${word}: no such command`);
});
