import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetnsPair } from '../netns.ts';
import { ratios, spreadOf, type Spread } from './spread.ts';
import { Tracee } from './tracee.ts';
import { flood } from './traffic-run.ts';

export interface SenderFigure {
  readonly beside: string;
  readonly usPerPacket: Spread;
  /** To the bare run of the same round. */
  readonly ratio: Spread;
  /** Microseconds above the bare run of the same round. */
  readonly addedUs: Spread;
  /** Packets that the capture did not get, all runs together; undefined without a capture. */
  readonly lost: number | undefined;
}

/** Starts a capture; what it gives back stops it and counts what it lost. */
type Capture = (file: string) => Promise<() => Promise<number>>;

const nothing: Capture = () => Promise.resolve(() => Promise.resolve(0));

function xcap(script: string, netns: string, expression: string): Capture {
  return async (file) => {
    const tracee = await Tracee.start([script], ['--netns', netns, '-w', file, expression]);
    return async () => {
      const summary = await tracee.stop();
      return Number(/(\d+) lost/.exec(summary)?.[1] ?? 0);
    };
  };
}

function tcpdump(pair: NetnsPair, expression: string): Capture {
  return async (file) => {
    const words = ['tcpdump', '-Z', 'root', '-n', '-i', pair.b.device, '-w', file, expression];
    const [program = '', ...args] = pair.b.command(words);
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    const ended = new Promise<void>((resolve) =>
      child.once('close', () => {
        resolve();
      }),
    );
    await new Promise<void>((resolve) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
        if (stderr.includes('listening on')) resolve();
      });
      void ended.then(resolve);
    });
    if (!stderr.includes('listening on')) throw new Error(`tcpdump: ${stderr}`);
    return async () => {
      child.kill('SIGINT');
      await ended;
      return Number(/(\d+) packets dropped by kernel/.exec(stderr)?.[1] ?? 0);
    };
  };
}

/** What a sender pays for each dropped packet while it is captured beside: alternating rounds. */
export async function measureSender(
  script: string,
  pair: NetnsPair,
  rounds: number,
  packets: number,
): Promise<readonly SenderFigure[]> {
  const cases: readonly (readonly [beside: string, capture: Capture])[] = [
    ['nothing', nothing],
    ['xcap -w, matched', xcap(script, pair.b.name, 'udp port 9')],
    ['tcpdump -w, matched', tcpdump(pair, 'udp port 9')],
    ['xcap -w, rejected', xcap(script, pair.b.name, 'udp port 10')],
    ['tcpdump -w, rejected', tcpdump(pair, 'udp port 10')],
  ];
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'xcap-figures-'));
  const times = cases.map((): number[] => []);
  const lost = cases.map(() => 0);
  try {
    flood(pair, packets);
    for (let round = 0; round < rounds; round++) {
      for (const [i, [, capture]] of cases.entries()) {
        const file = join(folder, 'capture');
        const stop = await capture(file);
        times[i]?.push(flood(pair, packets));
        lost[i] = (lost[i] ?? 0) + (await stop());
        rmSync(file, { force: true });
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const bare = times[0] ?? [];
  return cases.map(([beside, capture], i) => {
    const own = times[i] ?? [];
    return {
      beside,
      usPerPacket: spreadOf(own),
      ratio: ratios(own, bare),
      addedUs: spreadOf(own.map((time, round) => time - (bare[round] ?? Number.NaN))),
      lost: capture === nothing ? undefined : lost[i],
    };
  });
}
