import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spreadOf, type Spread } from './spread.ts';
import { Tracee } from './tracee.ts';

export interface StartupFigure {
  readonly command: string;
  /** With the program compiled in this start, and with one that an earlier start had compiled. */
  readonly compiled: Spread;
  readonly cached: Spread;
}

/** Expression and hooks of common runs; one on each of the paths that cost differently. */
const COMMANDS: readonly (readonly string[])[] = [
  ['icmp'],
  ['tcp port 80 and host 10.0.0.1'],
  ['--hook', 'drop,rx,tx', 'udp port 53'],
];

/**
 * From exec of scripts/xcap until its hooks are attached; compiled and cached take turns, and the first
 * runs fill the page cache, and the cache.
 */
export async function measureStartup(
  script: readonly string[],
  netns: string,
  runs: number,
): Promise<readonly StartupFigure[]> {
  const cache = mkdtempSync(join(tmpdir(), 'xcap-figures-cache-'));
  const start = async (command: readonly string[], XCAP_CACHE: string): Promise<number> => {
    const tracee = await Tracee.start(script, ['--netns', netns, ...command], { XCAP_CACHE });
    await tracee.stop();
    return tracee.readyMs;
  };
  try {
    const figures: StartupFigure[] = [];
    for (const command of COMMANDS) {
      const compiled: number[] = [];
      const cached: number[] = [];
      for (let run = 0; run <= runs; run++) {
        const [without, within] = [await start(command, 'off'), await start(command, cache)];
        if (run === 0) continue;
        compiled.push(without);
        cached.push(within);
      }
      figures.push({
        command: command.join(' '),
        compiled: spreadOf(compiled),
        cached: spreadOf(cached),
      });
    }
    return figures;
  } finally {
    rmSync(cache, { recursive: true });
  }
}
