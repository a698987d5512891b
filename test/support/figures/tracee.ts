import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ringKiB } from '../../../src/capture/reader-cost.ts';
import { descriptorTexts, threadTexts } from '../proc.ts';

/** What the kernel says of one loaded program of a process. */
export interface ProgramRun {
  readonly runs: number;
  readonly ns: number;
}

/** Processor time of all threads of a process, nanoseconds (/proc/PID/task/TID/schedstat). */
export function processorNs(pid: number): number {
  return threadTexts(pid, 'schedstat').reduce((sum, text) => sum + Number(text.split(' ')[0]), 0);
}

/** Of each BPF program among the descriptors of a process, in their order. */
export function programRuns(pid: number): readonly ProgramRun[] {
  return descriptorTexts(pid).flatMap((text) => {
    const number = (name: string): number | undefined => {
      const value = new RegExp(`^${name}:\\s*(\\d+)$`, 'm').exec(text)?.[1];
      return value === undefined ? undefined : Number(value);
    };
    const runs = number('run_cnt');
    return runs === undefined ? [] : [{ runs, ns: number('run_time_ns') ?? 0 }];
  });
}

/** KiB by a name of /proc/PID/smaps_rollup: `Rss`, `Anonymous`. */
export function rollupKiB(pid: number, name: string): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(rollup)?.[1]);
}

/** As processorNs(), once the process has done what it had to do, or after so long. */
export async function settledProcessorNs(pid: number, timeoutMs = Infinity): Promise<number> {
  const from = performance.now();
  for (let last = processorNs(pid); ;) {
    await sleep(200);
    const now = processorNs(pid);
    if (now - last < 1e6 || performance.now() - from > timeoutMs) return now;
    last = now;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** An xcap under measurement: ready when its hooks are attached. */
export class Tracee {
  readonly pid: number;
  /** From the call of spawn() until the ready file is there. */
  readonly readyMs: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;

  private constructor(child: ChildProcess, readyMs: number, ended: Promise<string>) {
    this.pid = child.pid ?? 0;
    this.readyMs = readyMs;
    this.#child = child;
    this.#ended = ended;
  }

  /** @param command its program and first words, such as scripts/xcap */
  static async start(
    command: readonly string[],
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Tracee> {
    const folder = mkdtempSync(join(tmpdir(), 'xcap-figures-'));
    const ready = join(folder, 'ready');
    // inotify: polling would take the processor time that is to be measured.
    let appeared = (): void => undefined;
    const there = new Promise<void>((resolve) => (appeared = resolve));
    const watcher = watch(folder, () => {
      appeared();
    });
    const [program = '', ...words] = command;
    const from = performance.now();
    const child = spawn(program, [...words, '--ready-file', ready, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...environment },
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => {
        resolve(stderr);
      });
    });
    try {
      await Promise.race([there, ended]);
      const readyMs = performance.now() - from;
      if (!existsSync(ready)) throw new Error(`xcap ended before it was ready: ${stderr}`);
      return new Tracee(child, readyMs, ended);
    } finally {
      watcher.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Counts of its BPF program; the time is there only while statistics are on (BPF_ENABLE_STATS). */
  program(): ProgramRun {
    const [first] = programRuns(this.pid);
    if (first === undefined) throw new Error(`process ${this.pid}: no BPF program`);
    return first;
  }

  /** KiB by the names of /proc/PID/smaps_rollup, and of that the mapped ring alone. */
  memory(): { readonly rssKiB: number; readonly anonymousKiB: number; readonly ringKiB: number } {
    const mappedKiB = ringKiB(readFileSync(`/proc/${this.pid}/smaps`, 'utf8'));
    const field = (name: string): number => rollupKiB(this.pid, name);
    return { rssKiB: field('Rss'), anonymousKiB: field('Anonymous'), ringKiB: mappedKiB };
  }

  /** Share of one processor over a while, in percent. */
  async idlePercent(ms: number): Promise<number> {
    const before = processorNs(this.pid);
    await sleep(ms);
    return ((processorNs(this.pid) - before) / (ms * 1e6)) * 100;
  }

  /** Ctrl-C; what it wrote to standard error. */
  async stop(): Promise<string> {
    this.#child.kill('SIGINT');
    return this.#ended;
  }
}
