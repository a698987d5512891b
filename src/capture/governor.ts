/** One interval of a capture, as the differences of what was counted at its ends. */
export interface Interval {
  /** CPU time that the host had: its length times the CPUs. */
  readonly capacityNs: number;
  readonly readerNs: number;
  /** By hook number. */
  readonly hooks: readonly HookLoad[];
}

export interface HookLoad {
  readonly programNs: number;
  /** Events that went into the ring, and records that the reader took out of it. */
  readonly submitted: number;
  readonly written: number;
}

/** Hooks that are sampled, or detached, together, by their numbers. */
export type Unit = readonly number[];

export type Step =
  | { readonly kind: 'raise' | 'lower'; readonly levels: readonly (readonly [Unit, number])[] }
  | { readonly kind: 'detach'; readonly unit: Unit; readonly last: boolean }
  /** Above the limit by the reader alone, which does not come from events. */
  | { readonly kind: 'helpless' };

export interface Judgement {
  /** Of the host's CPU time. */
  readonly share: number;
  readonly programShare: number;
  readonly readerShare: number;
  readonly step: Step | undefined;
}

/** One event in 2^10 is the least that is looked at. */
export const MOST_LEVEL = 10;
/** Calm intervals, at less than a quarter of the limit, until twice as much is looked at again. */
const CALM_INTERVALS = 10;
/** What costs less than this part of the hottest is not worth a step. */
const WORTHWHILE = 1 / 4;

interface Governed {
  readonly unit: Unit;
  /** One event in 2^level is looked at. */
  level: number;
  detached: boolean;
}

/**
 * Keeps a capture below a share of the host's CPU time: looks at fewer events where they cost most, down to one
 * in 1024, then detaches the hottest hook. Pure: it is told what was measured and says what to do.
 */
export class Governor {
  readonly #limit: number;
  readonly #units: readonly Governed[];
  #calm = 0;
  /** The interval before, where that was above the limit and nothing was done since. */
  #above: Interval | undefined;
  #helpless = false;

  constructor(limit: number, units: readonly Unit[]) {
    this.#limit = limit;
    this.#units = units.map((unit) => ({ unit, level: 0, detached: false }));
  }

  /** Acts on two intervals in a row, by the lower of them: one may have been a collection of garbage, or a change. */
  judge(interval: Interval): Judgement {
    const load = loadOf(interval);
    if (load.share <= this.#limit) {
      this.#above = undefined;
      return { ...load, step: this.#relax(load.share < this.#limit / 4) };
    }
    this.#calm = 0;
    const before = this.#above;
    this.#above = before === undefined ? interval : undefined;
    if (before === undefined) return { ...load, step: undefined };
    const lower = loadOf(before).share < load.share ? before : interval;
    return { ...loadOf(lower), step: this.#restrain(lower) };
  }

  #restrain(interval: Interval): Step | undefined {
    const { share, readerShare } = loadOf(interval);
    const costs = this.#units
      .filter(({ detached }) => !detached)
      .map((governed) => ({ governed, share: shareOf(governed.unit, interval, readerShare) }))
      .sort((a, b) => b.share - a.share);
    const [hottest] = costs;
    const caused = costs.reduce((sum, cost) => sum + cost.share, 0);
    if (hottest === undefined || caused < (share - this.#limit) * WORTHWHILE) return this.#giveUp();
    const raised = costs
      .filter((cost) => cost.share >= hottest.share * WORTHWHILE)
      .map(({ governed }) => governed)
      .filter(({ level }) => level < MOST_LEVEL);
    if (raised.length === 0) {
      hottest.governed.detached = true;
      return { kind: 'detach', unit: hottest.governed.unit, last: costs.length === 1 };
    }
    const more = Math.max(1, Math.ceil(Math.log2(share / this.#limit)));
    for (const governed of raised) governed.level = Math.min(MOST_LEVEL, governed.level + more);
    return levels('raise', raised);
  }

  /** Once. */
  #giveUp(): Step | undefined {
    if (this.#helpless) return undefined;
    this.#helpless = true;
    return { kind: 'helpless' };
  }

  #relax(calm: boolean): Step | undefined {
    this.#calm = calm ? this.#calm + 1 : 0;
    const sampled = this.#units.filter(({ detached, level }) => !detached && level > 0);
    if (this.#calm < CALM_INTERVALS || sampled.length === 0) return undefined;
    this.#calm = 0;
    for (const governed of sampled) governed.level--;
    return levels('lower', sampled);
  }
}

function levels(kind: 'raise' | 'lower', governed: readonly Governed[]): Step {
  return { kind, levels: governed.map(({ unit, level }) => [unit, level] as const) };
}

function loadOf(interval: Interval): Omit<Judgement, 'step'> {
  const { capacityNs, hooks } = interval;
  const programNs = hooks.reduce((sum, hook) => sum + hook.programNs, 0);
  const readerNs = lastingReaderNs(interval);
  return {
    share: (programNs + readerNs) / capacityNs,
    programShare: programNs / capacityNs,
    readerShare: readerNs / capacityNs,
  };
}

/** What comes of these hooks: their programs, and their part of the reader. */
function shareOf(unit: Unit, { capacityNs, hooks }: Interval, readerShare: number): number {
  const all = hooks.reduce((sum, { submitted }) => sum + submitted, 0);
  return unit.reduce((sum, number) => {
    const { programNs = 0, submitted = 0 } = hooks[number] ?? {};
    return sum + programNs / capacityNs + (all === 0 ? 0 : (readerShare * submitted) / all);
  }, 0);
}

/**
 * What the reader takes for as many events as came in: what it works off of earlier ones passes by itself, and no
 * step now would make it less.
 */
function lastingReaderNs({ readerNs, hooks }: Interval): number {
  const submitted = hooks.reduce((sum, hook) => sum + hook.submitted, 0);
  const written = hooks.reduce((sum, hook) => sum + hook.written, 0);
  return written > submitted ? (readerNs * submitted) / written : readerNs;
}

/** Joins sets that have a number in common: what shares a program, or decides for another, goes together. */
export function joinUnits(sets: readonly Unit[]): readonly Unit[] {
  let units: Set<number>[] = [];
  for (const set of sets) {
    const joined = new Set(set);
    units = units.filter((unit) => {
      if (![...unit].some((number) => joined.has(number))) return true;
      for (const number of unit) joined.add(number);
      return false;
    });
    units.push(joined);
  }
  return units.map((unit) => [...unit].sort((a, b) => a - b));
}
