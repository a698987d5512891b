import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { spreadOf, type Spread } from './spread.ts';

export interface PartFigure {
  readonly part: string;
  readonly ms: Spread;
}

/**
 * What each part of a start costs by itself; each run is a new process.
 *
 * @param before words that the command starts with
 */
export function measureParts(
  before: readonly string[],
  netns: string,
  expression: string,
  runs: number,
): readonly PartFigure[] {
  const samples = new Map<string, number[]>();
  const program = join(import.meta.dirname, 'parts-process.js');
  for (let run = 0; run <= runs; run++) {
    const spawnedAt = performance.timeOrigin + performance.now();
    const args = [...before, process.execPath, program, String(spawnedAt), netns, expression];
    const [first = '', ...rest] = args;
    const result = spawnSync(first, rest, { encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`measuring the start: ${result.stderr}`);
    if (run === 0) continue; // fills the page cache
    for (const [part, ms] of Object.entries(JSON.parse(result.stdout) as Record<string, number>)) {
      samples.set(part, [...(samples.get(part) ?? []), ms]);
    }
  }
  return [...samples].map(([part, values]) => ({ part, ms: spreadOf(values) }));
}
