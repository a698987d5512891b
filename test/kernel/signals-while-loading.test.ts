import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NetnsPair } from '../support/netns.ts';

const program = join(import.meta.dirname, '../../dist/main.cjs');

let pair: NetnsPair;
beforeAll(() => {
  pair = new NetnsPair();
});
afterAll(() => {
  pair.dispose();
});

/** The compiler's process is there, and so are the handlers, which are installed before. */
function hasChild(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8') !== '';
  } catch {
    return false;
  }
}

it('signals while the verifier works delay the start and do not end it', async () => {
  // Several programs, for more time in the verifier.
  const args = ['--hook', 'drop,rx,tx', '--duration', '200ms', '--netns', pair.a.name, 'tcp'];
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, XCAP_CACHE: 'off' },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  let sent = 0;
  const timer = setInterval(() => {
    if (sent > 0 || hasChild(child.pid!)) sent += child.kill('SIGUSR1') ? 1 : 0;
  }, 3);
  const status = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(timer);
  expect(sent).toBeGreaterThan(10);
  expect(status, stderr).toBe(0);
  expect(stderr).toContain('tracing ');
});
