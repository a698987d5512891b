import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OwnerLock } from '../../../src/bpf/owner-lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xcap-lock-'));
  path = join(folder, 'below', 'a.lock');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function take(): OwnerLock {
  const lock = OwnerLock.take(path);
  if (!(lock instanceof OwnerLock)) throw new Error(`locked by ${lock.owner}`);
  return lock;
}

describe('OwnerLock', () => {
  it('is taken once, and tells by whom', () => {
    const lock = take();
    expect(OwnerLock.take(path)).toEqual({ owner: String(process.pid) });
    lock[Symbol.dispose]();
  });

  it('leaves nothing behind, and can be taken again', () => {
    take()[Symbol.dispose]();
    expect(existsSync(path)).toBe(false);
    take()[Symbol.dispose]();
  });

  it('is free when its owner was killed, whatever the file says', async () => {
    take()[Symbol.dispose]();
    writeFileSync(path, '');
    const child = spawn(
      'flock',
      ['-x', path, 'sh', '-c', `echo 1 > ${path}; echo; exec sleep 60`],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      },
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(OwnerLock.take(path)).toEqual({ owner: '1' });
    const ended = new Promise((resolve) => child.once('close', resolve));
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
    take()[Symbol.dispose]();
  });
});
