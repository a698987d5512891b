import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetnsPair } from '../netns.ts';
import { attachEmpty } from './program-cost.ts';
import { ratios, spreadOf, type Spread } from './spread.ts';
import { settledProcessorNs, Tracee } from './tracee.ts';
import { flood } from './traffic-run.ts';

export interface SenderFigure {
  readonly beside: string;
  readonly usPerPacket: Spread;
  /** To the bare run of the same round. */
  readonly ratio: Spread;
  /** Microseconds above the bare run of the same round. */
  readonly addedUs: Spread;
  /** Processor time of the capturing process for each packet, microseconds; undefined without one. */
  readonly capturerUs: Spread | undefined;
  /** Packets that the capture did not get, all runs together; undefined without a capture. */
  readonly lost: number | undefined;
}

interface Running {
  /** Undefined: no process works for it. */
  readonly pid?: number;
  /** Ends it; how many packets it lost. */
  readonly stop: () => Promise<number>;
}

type Capture = (file: string) => Promise<Running>;

function xcap(script: readonly string[], netns: string, expression: string): Capture {
  return async (file) => {
    const tracee = await Tracee.start(script, ['--netns', netns, '-w', file, expression]);
    const stop = async (): Promise<number> => {
      const summary = await tracee.stop();
      return Number(/(\d+) lost/.exec(summary)?.[1] ?? 0);
    };
    return { pid: tracee.pid, stop };
  };
}

/** What the least of programs costs at the hook. */
const nothingBut: Capture = () => {
  const empty = attachEmpty();
  const stop = (): Promise<number> => {
    empty[Symbol.dispose]();
    return Promise.resolve(0);
  };
  return Promise.resolve({ stop });
};

function tcpdump(before: readonly string[], pair: NetnsPair, expression: string): Capture {
  return async (file) => {
    const words = [
      ...before,
      'tcpdump',
      '-Z',
      'root',
      '-n',
      '-i',
      pair.b.device,
      '-w',
      file,
      expression,
    ];
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
    const stop = async (): Promise<number> => {
      child.kill('SIGINT');
      await ended;
      return Number(/(\d+) packets dropped by kernel/.exec(stderr)?.[1] ?? 0);
    };
    return { pid: child.pid ?? 0, stop };
  };
}

/**
 * What a sender pays for each dropped packet while it is captured beside: alternating rounds. The
 * sender has the first processor, the captures have the second.
 *
 * @param before words that each command starts with
 */
export async function measureSender(
  before: readonly string[],
  script: string,
  pair: NetnsPair,
  rounds: number,
  packets: number,
): Promise<readonly SenderFigure[]> {
  const onOther = [...before, 'taskset', '-c', '1'];
  const tracer = [...onOther, script];
  const cases: readonly (readonly [beside: string, capture: Capture | undefined])[] = [
    ['nothing', undefined],
    ['an empty program', nothingBut],
    ['xcap -w, matched', xcap(tracer, pair.b.name, 'udp port 9')],
    ['tcpdump -w, matched', tcpdump(onOther, pair, 'udp port 9')],
    ['xcap -w, rejected', xcap(tracer, pair.b.name, 'udp port 10')],
    ['tcpdump -w, rejected', tcpdump(onOther, pair, 'udp port 10')],
  ];
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'xcap-figures-'));
  const samples = cases.map(() => ({ us: [] as number[], capturerUs: [] as number[], lost: 0 }));
  try {
    flood(pair, packets, before);
    for (let round = 0; round < rounds; round++) {
      for (const [i, sample] of samples.entries()) {
        const file = join(folder, 'capture');
        const running = await cases[i]?.[1]?.(file);
        if (running === undefined) {
          sample.us.push(flood(pair, packets, before));
          continue;
        }
        // As it runs, not as it starts: a capture of the next hour, whose code is translated by now.
        flood(pair, packets, before);
        const { pid } = running;
        const startNs = pid === undefined ? 0 : await settledProcessorNs(pid);
        sample.us.push(flood(pair, packets, before));
        if (pid !== undefined) {
          const endNs = await settledProcessorNs(pid);
          sample.capturerUs.push((endNs - startNs) / 1000 / packets);
        }
        sample.lost += await running.stop();
        rmSync(file, { force: true });
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const bare = samples[0]?.us ?? [];
  return samples.map(({ us, capturerUs, lost }, i) => ({
    beside: cases[i]?.[0] ?? '',
    usPerPacket: spreadOf(us),
    ratio: ratios(us, bare),
    addedUs: spreadOf(us.map((time, round) => time - (bare[round] ?? Number.NaN))),
    capturerUs: capturerUs.length === 0 ? undefined : spreadOf(capturerUs),
    lost: capturerUs.length === 0 ? undefined : lost,
  }));
}
