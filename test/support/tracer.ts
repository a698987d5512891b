import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const script = join(import.meta.dirname, '../../scripts/xcap');

/** A line of --json. */
export interface JsonRecord {
  readonly hook: string;
  readonly time: string;
  readonly iface?: string;
  readonly ifindex?: number;
  readonly netns?: number;
  readonly netns_name?: string;
  readonly reason?: string;
  readonly verdict?: string;
  readonly redirect?: string;
  readonly packet_id?: number;
  readonly stack?: readonly string[];
  readonly bytes?: string;
  readonly synth?: string;
  readonly rule?: Readonly<Record<string, unknown>>;
  readonly location?: string;
  readonly context?: string;
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly uid: number;
  readonly mark: number;
  readonly queue?: number;
  readonly len: number;
  readonly caplen: number;
  /** Hexadecimal. */
  readonly packet: string;
  readonly laddr?: string;
  readonly lport?: number;
  readonly raddr?: string;
  readonly rport?: number;
  readonly family?: string;
  readonly protocol?: number;
  readonly state?: string;
  readonly ret?: string;
  readonly owner_pid?: number;
  readonly owner_comm?: string;
  readonly owner_by?: string;
  readonly cgroup?: string;
  readonly cgroup_by?: string;
  readonly container?: string;
  readonly pod?: string;
  readonly duration_ns?: number;
  readonly user?: Readonly<Record<string, number | string>>;
}

/** One hook's line of the summary. */
export interface Summary {
  readonly hook: string;
  readonly seen: number;
  readonly rejected: number;
  readonly by: Readonly<Record<string, number>>;
  readonly matched: number;
  readonly written: number;
  readonly lost: number;
  readonly left: number;
  readonly missed: number;
  readonly unreturned: number;
  readonly skipped: number;
  readonly sampledOut: number;
}

export interface Outcome {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Emulated guests compile some fifteen times slower. */
const READY_MS = process.env['XCAP_GUEST'] === undefined ? 120_000 : 300_000;

function numberBefore(line: string, word: string): number {
  return Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
}

/** The summary lines on standard error, one for each hook. */
export function parseSummaries(stderr: string): readonly Summary[] {
  return stderr
    .split('\n')
    .filter((line) => /^xcap: \S+: \d+ seen, /.test(line))
    .map((line) => {
      const by = /rejected \(([^)]*)\)/.exec(line)?.[1] ?? '';
      return {
        hook: /^xcap: (\S+):/.exec(line)?.[1] ?? '',
        seen: numberBefore(line, 'seen'),
        rejected: numberBefore(line, 'rejected'),
        by: Object.fromEntries(
          by
            .split(', ')
            .filter((part) => part !== '')
            .map((part) => {
              const at = part.lastIndexOf(' ');
              return [part.slice(0, at), Number(part.slice(at + 1))];
            }),
        ),
        matched: numberBefore(line, 'matched'),
        written: numberBefore(line, 'written'),
        lost: numberBefore(line, 'lost'),
        left: numberBefore(line, 'left'),
        missed: numberBefore(line, 'missed'),
        unreturned: numberBefore(line, 'not returned'),
        skipped: numberBefore(line, 'skipped'),
        sampledOut: numberBefore(line, 'sampled out'),
      };
    });
}

export function parseJsonLines(stdout: string): readonly JsonRecord[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonRecord);
}

/** Runs the tool to its end, without a capture or with one that ends by itself. */
export async function runXcap(
  args: readonly string[],
  command = script,
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const env = { ...process.env, ...environment };
  return finished(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env }));
}

function finished(child: ChildProcess): Promise<Outcome> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      resolve({
        status,
        signal,
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
      });
    });
  });
}

/** A capture that is ready: hooks are attached. The caller ends it by stop(), or it ends itself. */
export class Tracer {
  readonly child: ChildProcess;
  readonly done: Promise<Outcome>;

  private constructor(child: ChildProcess, done: Promise<Outcome>) {
    this.child = child;
    this.done = done;
  }

  static async start(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    command: readonly [string, ...string[]] = [script],
  ): Promise<Tracer> {
    const folder = mkdtempSync(join(tmpdir(), 'xcap-test-'));
    const ready = join(folder, 'ready');
    const [program, ...before] = command;
    // A sub-command comes first.
    const at = args[0] === 'top' ? 1 : 0;
    const words = [...args.slice(0, at), '--ready-file', ready, ...args.slice(at)];
    const child = spawn(program, [...before, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    let ended: Outcome | undefined;
    const done = finished(child).then((outcome) => (ended = outcome));
    // A test that fails half-way must not leave its hooks to the next.
    onTestFinished(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await done;
    });
    try {
      const deadline = Date.now() + READY_MS;
      while (!existsSync(ready) || readFileSync(ready, 'utf8') === '') {
        if (ended !== undefined) throw new Error(`xcap ended: ${ended.stderr}`);
        if (Date.now() > deadline) {
          child.kill('SIGKILL');
          throw new Error(`xcap not ready after ${READY_MS} ms`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return new Tracer(child, done);
  }

  /** Ctrl-C, and what came of it. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Outcome> {
    this.child.kill(signal);
    return this.done;
  }
}

export interface Captured {
  readonly records: readonly JsonRecord[];
  readonly summaries: readonly Summary[];
  readonly stderr: string;
  readonly status: number | null;
}

/** Runs a --json capture around `traffic`. @param command what stands before the options; xcap unless told */
export async function capture(
  args: readonly string[],
  traffic: () => void | Promise<void>,
  environment: Readonly<Record<string, string>> = {},
  command?: readonly [string, ...string[]],
): Promise<Captured> {
  const tracer = await Tracer.start(['--json', ...args], environment, command);
  try {
    await traffic();
  } catch (error) {
    await tracer.stop();
    throw error;
  }
  const { status, stdout, stderr } = await tracer.stop();
  return {
    records: parseJsonLines(stdout),
    summaries: parseSummaries(stderr),
    stderr,
    status,
  };
}
