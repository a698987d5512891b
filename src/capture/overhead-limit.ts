import { cpus } from 'node:os';
import { COUNTERS } from '../abi/counters.ts';
import type { Logger } from '../log.ts';
import { Governor, MOST_LEVEL, joinUnits, type HookLoad, type Judgement } from './governor.ts';
import { formatPercent, listed, type ProgramCost } from './own-cost.ts';
import type { CapturePlan } from './plan.ts';
import type { Pump } from './pump.ts';
import type { ReaderMeter } from './reader-cost.ts';
import type { Session } from './session.ts';
import type { KernelCounts } from './stats.ts';

/** Longer, and a flood goes on for as long; shorter, and one collection of garbage is too much. */
const INTERVAL_MS = 1000;
const SUBMITTED = COUNTERS.indexOf('submitted');

/** What a limited capture consists of. */
export interface Limited {
  readonly session: Session;
  readonly reader: Pick<Pump, 'written'>;
  readonly meter: Pick<ReaderMeter, 'cpuNs'>;
  readonly log: Logger;
  /** Ends the capture. */
  readonly finish: () => void;
}

/** All that is counted, at one time. */
interface Reading {
  readonly at: number;
  readonly readerNs: number;
  readonly programs: readonly ProgramCost[];
  readonly counts: readonly KernelCounts[];
  readonly written: readonly number[];
}

/** --max-overhead: measures once a second, does what the governor says, and tells the user. */
export class OverheadLimit {
  readonly #limit: number;
  readonly #hooks: readonly string[];
  readonly #plan: Pick<CapturePlan, 'hooks'>;
  readonly #of: Limited;
  readonly #cpus = cpus().length;
  #governor: Governor | undefined;
  #before: Reading | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(limit: number, plan: Pick<CapturePlan, 'hooks' | 'names'>, of: Limited) {
    this.#limit = limit;
    this.#hooks = plan.names.hooks;
    this.#plan = plan;
    this.#of = of;
  }

  /** When all is attached, and what the start took is over. */
  start(): void {
    const { session } = this.#of;
    this.#governor = new Governor(
      this.#limit,
      joinUnits([...session.places(), ...xdpPairs(this.#plan.hooks, this.#hooks)]),
    );
    if (session.costs().some(({ measured }) => !measured)) {
      this.#tell('programs in hook maps are not measured: of those only the reader counts');
    }
    this.#before = this.#read();
    this.#timer = setInterval(() => {
      this.#look();
    }, INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const before = this.#before;
    if (before === undefined || this.#governor === undefined) return;
    const now = this.#read();
    this.#before = now;
    const judgement = this.#governor.judge({
      capacityNs: 1e6 * (now.at - before.at) * this.#cpus,
      readerNs: now.readerNs - before.readerNs,
      hooks: loads(before, now),
    });
    this.#take(judgement);
  }

  #take({ share, programShare, readerShare, step }: Judgement): void {
    if (step === undefined) return;
    const { session, finish } = this.#of;
    const took = `${formatPercent(share)} of this host's CPU time (programs ${formatPercent(programShare)}, reader ${formatPercent(readerShare)})`;
    switch (step.kind) {
      case 'raise':
      case 'lower': {
        const names = new Map<number, string[]>();
        for (const [unit, level] of step.levels) {
          for (const hook of unit) session.maps.setSampling(hook, level);
          names.set(level, [...(names.get(level) ?? []), ...this.#names(unit)]);
        }
        const parts = [...names].map(
          ([level, at]) =>
            `${level === 0 ? 'every event' : `1 event in ${2 ** level}`} at ${listed(at)}`,
        );
        this.#tell(`${took}: from now on xcap looks at ${parts.join(', ')}`);
        return;
      }
      case 'detach':
        session.withdraw(step.unit);
        this.#tell(
          `${took}: detached ${listed(this.#names(step.unit))}, the hottest though only 1 event in ${2 ** MOST_LEVEL} was looked at`,
        );
        if (!step.last) return;
        this.#tell('no hook is left: the capture ends');
        this.stop();
        finish();
        return;
      case 'helpless':
        this.#tell(`${took}: that does not come from events, so fewer of them would not help`);
    }
  }

  #tell(text: string): void {
    this.#of.log.note(`--max-overhead ${+(100 * this.#limit).toPrecision(6)}%: ${text}`);
  }

  #names(unit: readonly number[]): string[] {
    return unit.map((hook) => this.#hooks[hook] ?? '');
  }

  #read(): Reading {
    const { session, reader, meter } = this.#of;
    return {
      at: performance.now(),
      readerNs: meter.cpuNs(),
      programs: session.costs(),
      counts: session.maps.allCounts(this.#hooks.length),
      written: [...reader.written],
    };
  }
}

/** The exit of a run does what its entry decided, so both are one. */
function xdpPairs(hooks: CapturePlan['hooks'], ids: readonly string[]): readonly number[][] {
  const pairs = new Map<number, number[]>();
  for (const { id, xdp } of hooks) {
    if (xdp?.pair === undefined) continue;
    pairs.set(xdp.pair, [...(pairs.get(xdp.pair) ?? []), ids.indexOf(id)]);
  }
  return [...pairs.values()];
}

const sumOf = (counts: KernelCounts = []): number => counts.reduce((sum, count) => sum + count, 0);

/** Of a program that serves several hooks each has as much as it had events. */
function loads(before: Reading, now: Reading): readonly HookLoad[] {
  const events = now.counts.map((counts, hook) => sumOf(counts) - sumOf(before.counts[hook]));
  const programNs = now.counts.map(() => 0);
  now.programs.forEach(({ hooks, ns }, i) => {
    const spent = ns - (before.programs[i]?.ns ?? 0);
    const all = hooks.reduce((sum, hook) => sum + (events[hook] ?? 0), 0);
    for (const hook of hooks) {
      const part = all === 0 ? 1 / hooks.length : (events[hook] ?? 0) / all;
      programNs[hook] = (programNs[hook] ?? 0) + spent * part;
    }
  });
  return now.counts.map((counts, hook) => ({
    programNs: programNs[hook] ?? 0,
    submitted: (counts[SUBMITTED] ?? 0) - (before.counts[hook]?.[SUBMITTED] ?? 0),
    written: (now.written[hook] ?? 0) - (before.written[hook] ?? 0),
  }));
}
