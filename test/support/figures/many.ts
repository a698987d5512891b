import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetnsPair } from '../netns.ts';
import { mountForPeers } from './peers.ts';
import { startReady } from './ready-process.ts';
import { ratios, spreadOf, type Spread } from './spread.ts';
import { flood } from './traffic-run.ts';

export interface ManyFigure {
  readonly what: string;
  /** Functions asked for; undefined: all that a packet can be traced at. */
  readonly functions: number | undefined;
  /** From exec to the last probe attached, seconds. */
  readonly readyS: Spread;
  /** From Ctrl-C to its end, seconds. */
  readonly stopS: Spread;
  /** Of what a packet costs its sender, with a filter that none matches, to the bare run before. */
  readonly slowDown: Spread;
}

/** No packet of the flood has it. */
const NOTHING = 'host 203.0.113.1';
const COUNTS = [1, 10, 100, 1500, undefined] as const;

/** Functions that xcap and pwru can both hook, those of the flood's way first. */
function functionNames(xcap: readonly string[]): readonly string[] {
  const [program = '', ...args] = xcap;
  const listed = execFileSync(program, [...args, 'hooks', '*'], { maxBuffer: 1 << 26 }).toString();
  const names = [...listed.matchAll(/^(\w+) .*\bskb\b/gm)].map(([, name = '']) => name);
  const first = ['ip_rcv', 'ip_output', 'udp_rcv', 'ip_local_deliver', 'ip_rcv_finish'];
  return [...new Set([...first.filter((name) => names.includes(name)), ...names])];
}

/** What it takes to be at many functions at once, beside pwru. */
export async function measureMany(
  xcap: readonly string[],
  pair: NetnsPair,
  root: string,
  runs: number,
  packets: number,
): Promise<readonly ManyFigure[]> {
  mountForPeers(root);
  const names = functionNames(xcap);
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'xcap-many-'));
  const environment = { XCAP_CACHE: join(folder, 'cache') };
  const ready = join(folder, 'ready');
  const ours = (count: number | undefined): readonly string[] => [
    ...[...xcap, '--ready-file', ready, '-w', join(folder, 'events')],
    ...['--hook', count === undefined ? 'all' : names.slice(0, count).join(',')],
    ...['--max-hooks', '5000', NOTHING],
  ];
  const pwru = (count: number | undefined): readonly string[] => [
    ...['chroot', root, 'pwru', '--output-meta', '--output-tuple'],
    ...(count === undefined ? [] : ['--filter-func', `^(${names.slice(0, count).join('|')})$`]),
    NOTHING,
  ];
  const cases = COUNTS.flatMap((functions) => [
    { what: 'xcap', functions, command: ours(functions), ready },
    { what: 'pwru', functions, command: pwru(functions), ready: /Listening for events/ },
  ]).map((each) => ({ ...each, readyS: [] as number[], stopS: [] as number[] }));
  const costs = cases.map(() => ({ with: [] as number[], without: [] as number[] }));
  try {
    // The first run fills caches: ours, and the page cache for both.
    for (let run = 0; run <= runs; run++) {
      for (const [i, each] of cases.entries()) {
        rmSync(ready, { force: true });
        const bare = flood(pair, packets);
        const tool = await startReady(each.command, { ready: each.ready, environment });
        const us = flood(pair, packets);
        const stopS = await tool.stop();
        if (run === 0) continue;
        each.readyS.push(tool.readyS);
        each.stopS.push(stopS);
        costs[i]?.with.push(us);
        costs[i]?.without.push(bare);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return cases.map(({ what, functions, readyS, stopS }, i) => ({
    what,
    functions,
    readyS: spreadOf(readyS),
    stopS: spreadOf(stopS),
    slowDown: ratios(costs[i]?.with ?? [], costs[i]?.without ?? []),
  }));
}
