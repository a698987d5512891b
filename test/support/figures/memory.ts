import type { NetnsPair } from '../netns.ts';
import { spreadOf, type Spread } from './spread.ts';
import { Tracee } from './tracee.ts';
import { flood } from './traffic-run.ts';

export interface MemoryFigure {
  readonly when: string;
  /** Resident, MiB: everything, without the mapped ring, and of that what is not backed by a file. */
  readonly rss: Spread;
  readonly withoutRing: Spread;
  readonly anonymous: Spread;
  /** Percent of one processor while nothing happens. */
  readonly idlePercent: Spread;
}

const SETTLE_MS = 3000;
const IDLE_MS = 5000;

/** Resident memory and idle load of the tracer: a while after the start, and after many packets. */
export async function measureMemory(
  script: readonly string[],
  pair: NetnsPair,
  runs: number,
  packets: number,
): Promise<readonly MemoryFigure[]> {
  const states = ['idle, hooks attached', `after ${packets} packets to -w`] as const;
  const samples = states.map(() => ({
    rss: [] as number[],
    withoutRing: [] as number[],
    anonymous: [] as number[],
    idle: [] as number[],
  }));
  for (let run = 0; run < runs; run++) {
    const args = ['--netns', pair.b.name, '-w', '/dev/null', 'udp port 9'];
    const tracee = await Tracee.start(script, args);
    for (const [i, sample] of samples.entries()) {
      if (i > 0) flood(pair, packets);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const { rssKiB, ringKiB, anonymousKiB } = tracee.memory();
      sample.rss.push(rssKiB / 1024);
      sample.withoutRing.push((rssKiB - ringKiB) / 1024);
      sample.anonymous.push(anonymousKiB / 1024);
      sample.idle.push(await tracee.idlePercent(IDLE_MS));
    }
    await tracee.stop();
  }
  return samples.map((sample, i) => ({
    when: states[i] ?? '',
    rss: spreadOf(sample.rss),
    withoutRing: spreadOf(sample.withoutRing),
    anonymous: spreadOf(sample.anonymous),
    idlePercent: spreadOf(sample.idle),
  }));
}
