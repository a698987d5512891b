import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestEvidence } from './guest-verdict.ts';

/** The kernels of scripts/guest/fetch-kernels; the slowest to finish first, so that two at a time end together. */
export const guestVersions = ['7.2', '6.12', '6.1', '5.10'] as const;
export type GuestVersion = (typeof guestVersions)[number];

/** The top of the checkout. */
export const checkout = join(import.meta.dirname, '../..');

export interface GuestRun {
  readonly version: GuestVersion;
  /** An executable, started in the checkout. */
  readonly script: string;
  /** The directory that the guest has as /host. */
  readonly share: string;
  readonly timeoutS: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the guest early. */
  readonly signal?: AbortSignal;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Boot a guest, wait for its end, and collect what it left in the share. Never rejects because the guest failed. */
export async function runGuest(run: GuestRun): Promise<GuestEvidence> {
  const env = Object.entries(run.env ?? {}).flatMap(([name, value]) => [
    '--env',
    `${name}=${value}`,
  ]);
  const boot = spawn(
    join(checkout, 'scripts/guest/boot'),
    [
      run.version,
      run.script,
      '--share',
      run.share,
      '--timeout',
      String(run.timeoutS),
      '--nics',
      ...env,
    ],
    { cwd: checkout, stdio: ['ignore', 'pipe', 'pipe'], signal: run.signal },
  );
  let console = '';
  const collect = (chunk: string): void => {
    console += chunk;
  };
  boot.stdout.setEncoding('utf8').on('data', collect);
  boot.stderr.setEncoding('utf8').on('data', collect);
  const status = await new Promise<number>((resolve) => {
    boot.once('error', (error) => {
      collect(String(error));
      resolve(125);
    });
    boot.once('close', (code) => {
      resolve(code ?? 125);
    });
  });
  return {
    status,
    console,
    report: readIfThere(join(run.share, 'report.json')),
    dmesg: readIfThere(join(run.share, 'dmesg')),
    leaks: readIfThere(join(run.share, 'leaks')),
  };
}
