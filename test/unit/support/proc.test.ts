import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { descriptorTexts, threadTexts } from '../../support/proc.ts';

describe('descriptorTexts', () => {
  it('has one text for each descriptor', () => {
    const before = descriptorTexts(process.pid);
    const fd = openSync('/dev/null', 'r');
    try {
      const now = descriptorTexts(process.pid);
      expect(now.length).toBe(before.length + 1);
      for (const text of now) expect(text).toMatch(/^pos:\t\d+$/m);
    } finally {
      closeSync(fd);
    }
  });

  it('leaves out what is closed while it reads', async () => {
    // Opens and closes a hundred at a time, as long as its input is open.
    const program = `
      const { openSync, closeSync } = require('node:fs');
      process.stdin.on('end', () => process.exit()).resume();
      process.stdout.write('ready');
      const turn = () => {
        const fds = Array.from({ length: 100 }, () => openSync('/dev/null', 'r'));
        for (const fd of fds) closeSync(fd);
        setImmediate(turn);
      };
      turn();`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const counts = Array.from({ length: 200 }, () => descriptorTexts(child.pid!).length);
    expect(Math.min(...counts)).toBeGreaterThan(2);
    expect(new Set(counts).size).toBeGreaterThan(1);
  });

  it('throws for a process that is not there', () => {
    expect(() => descriptorTexts(2 ** 30)).toThrow('ENOENT');
  });
});

describe('threadTexts', () => {
  it('has one text for each thread', () => {
    const pids = threadTexts(process.pid, 'status').map(
      (text) => /^Tgid:\t(\d+)$/m.exec(text)?.[1],
    );
    expect(pids.length).toBeGreaterThan(1);
    expect(new Set(pids)).toEqual(new Set([String(process.pid)]));
  });
});
