import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';

/** A tool that traces: started, and stopped, as a person at a terminal would. */
export interface ReadyProcess {
  readonly child: ChildProcess;
  /** From exec to its word that it is ready, seconds. */
  readonly readyS: number;
  /** What it has said on its standard error, and the first 4096 characters of its output. */
  readonly said: () => string;
  /** By Ctrl-C, or after 90 s by force; seconds. */
  readonly stop: () => Promise<number>;
}

export interface ReadyOptions {
  /** The file that it makes when it is ready, or what it prints then. */
  readonly ready: string | RegExp;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Takes its standard output. */
  readonly output?: (stdout: Readable) => void;
}

const READY_MS = 300_000;
const STOP_MS = 90_000;

/** @throws when it ends before it is ready, or takes longer than five minutes */
export async function startReady(
  [program = '', ...args]: readonly string[],
  { ready, environment, output }: ReadyOptions,
): Promise<ReadyProcess> {
  const from = performance.now();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let said = '';
  const note = (chunk: Buffer): void => void (said += chunk.toString('latin1'));
  child.stderr.on('data', note);
  output?.(child.stdout);
  child.stdout.on('data', (chunk: Buffer) => {
    if (said.length < 4096) note(chunk);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  const isReady = (): boolean => (typeof ready === 'string' ? existsSync(ready) : ready.test(said));
  while (!isReady()) {
    if (child.exitCode !== null) throw new Error(`${program}: ended: ${said}`);
    if (performance.now() - from > READY_MS) throw new Error(`${program}: not ready: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    child,
    readyS: (performance.now() - from) / 1000,
    said: () => said,
    stop: async () => {
      const asked = performance.now();
      child.kill('SIGINT');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(killer);
      return (performance.now() - asked) / 1000;
    },
  };
}
