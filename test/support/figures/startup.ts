import { spreadOf, type Spread } from './spread.ts';
import { Tracee } from './tracee.ts';

export interface StartupFigure {
  readonly command: string;
  readonly ms: Spread;
}

/** Expression and hooks of common runs; one on each of the paths that cost differently. */
const COMMANDS: readonly (readonly string[])[] = [
  ['icmp'],
  ['tcp port 80 and host 10.0.0.1'],
  ['--hook', 'drop,rx,tx', 'udp port 53'],
];

/** From exec of scripts/xcap until its hooks are attached; the first run of each warms the page cache. */
export async function measureStartup(
  script: readonly string[],
  netns: string,
  runs: number,
): Promise<readonly StartupFigure[]> {
  const figures: StartupFigure[] = [];
  for (const command of COMMANDS) {
    const times: number[] = [];
    for (let run = 0; run <= runs; run++) {
      const tracee = await Tracee.start(script, ['--netns', netns, ...command]);
      if (run > 0) times.push(tracee.readyMs);
      await tracee.stop();
    }
    figures.push({ command: command.join(' '), ms: spreadOf(times) });
  }
  return figures;
}
