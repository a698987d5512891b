import { closeSync } from 'node:fs';
import type { NetnsPair } from '../netns.ts';
import { Attr } from '../../../src/bpf/syscall.ts';
import { spreadOf, type Spread } from './spread.ts';
import { Tracee } from './tracee.ts';
import { flood } from './traffic-run.ts';

export interface ProgramFigure {
  readonly what: string;
  readonly nsPerEvent: Spread;
}

const BPF_ENABLE_STATS = 32;

/** Statistics of all programs are on while the descriptor is open (bpf(2), since 5.8): no sysctl is touched. */
function enableStats(): Disposable {
  const fd = new Attr(8).u32(0, 0).call(BPF_ENABLE_STATS);
  if (fd < 0) throw new Error(`switching BPF statistics on: errno ${-fd}`);
  return {
    [Symbol.dispose]: () => {
      closeSync(fd);
    },
  };
}

/** Nanoseconds in the BPF program for each event, with the kernel's own clock reading around it. */
export async function measureProgram(
  script: string,
  pair: NetnsPair,
  runs: number,
  packets: number,
): Promise<readonly ProgramFigure[]> {
  const cases: readonly (readonly [what: string, netns: string, expression: string])[] = [
    ['rejected by --netns (another namespace)', pair.a.name, 'udp port 9'],
    ['rejected by the filter: udp port 10', pair.b.name, 'udp port 10'],
    ['rejected by the filter: arp', pair.b.name, 'arp'],
    ['matched: udp port 9', pair.b.name, 'udp port 9'],
    ['matched: no expression', pair.b.name, ''],
  ];
  const stats = enableStats();
  try {
    const costs = cases.map((): number[] => []);
    // Alternating, so that drift of the machine falls on all cases.
    for (let run = 0; run < runs; run++) {
      for (const [i, [, netns, expression]] of cases.entries()) {
        const words = expression === '' ? [] : [expression];
        const tracee = await Tracee.start(
          [script],
          ['--netns', netns, '-w', '/dev/null', ...words],
        );
        const before = tracee.program();
        flood(pair, packets);
        const after = tracee.program();
        await tracee.stop();
        costs[i]?.push((after.ns - before.ns) / (after.runs - before.runs));
      }
    }
    return cases.map(([what], i) => ({ what, nsPerEvent: spreadOf(costs[i] ?? []) }));
  } finally {
    stats[Symbol.dispose]();
  }
}
