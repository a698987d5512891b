import type { ResolvedHook } from '../hooks/resolved.ts';

/** What the kernel counted of one program, while run statistics were on. */
export interface ProgramCost {
  /** Numbers of the hooks that it serves. */
  readonly hooks: readonly number[];
  /** The kernel counts the runs: not those of what is called from another program's tail. */
  readonly measured: boolean;
  readonly runs: number;
  readonly ns: number;
}

/** Of one program that is no hook's. */
export interface BesideCost {
  readonly place: string;
  readonly runs: number;
  readonly ns: number;
}

/** Of xcap's own process. */
export interface ReaderCost {
  /** Since the start was over. */
  readonly cpuNs: number;
  readonly elapsedNs: number;
  /** Until then. */
  readonly startCpuNs: number;
  readonly residentKiB: number;
  /** Of that the mapped ring; undefined where the kernel does not tell. */
  readonly ringKiB: number | undefined;
}

interface Row {
  readonly label: string;
  /** It is in the list because it was named, not found by a pattern. */
  readonly named: boolean;
  programs: number;
  measured: boolean;
  runs: number;
  ns: number;
}

/**
 * A line for each hook, and for hooks that share a program; of what a pattern found those that ran, and
 * the sum.
 *
 * @param ids of the hooks, by number
 */
export function formatProgramCosts(
  costs: readonly ProgramCost[],
  ids: readonly string[],
  hooks: readonly Pick<ResolvedHook, 'id' | 'pattern'>[],
): readonly string[] {
  const patterns = new Map(hooks.map(({ id, pattern }) => [id, pattern]));
  const rows = new Map<string, Row>();
  const sums = new Map<string, Row>();
  const add = (to: Map<string, Row>, label: string, named: boolean, cost: ProgramCost): void => {
    const row = to.get(label) ?? { label, named, programs: 0, measured: true, runs: 0, ns: 0 };
    row.programs++;
    row.measured &&= cost.measured;
    row.runs += cost.runs;
    row.ns += cost.ns;
    to.set(label, row);
  };
  for (const cost of costs) {
    const names = cost.hooks.map((number) => ids[number] ?? '');
    const of = [...new Set(names.map((name) => patterns.get(name)))];
    const pattern = of.length === 1 ? of[0] : undefined;
    const shared = names.length > 1;
    const label = pattern !== undefined && shared ? sharedLabel(pattern, names) : listed(names);
    add(rows, label, pattern === undefined || shared, cost);
    if (pattern !== undefined && !shared) add(sums, pattern, true, cost);
  }
  return [...rows.values(), ...sums.values()]
    .filter(({ named, runs }) => named || runs > 0)
    .map(formatRow);
}

/** A line for each place that was passed. */
export function formatRuleCosts(costs: readonly BesideCost[]): readonly string[] {
  const rows = new Map<string, Row>();
  for (const { place, runs, ns } of costs) {
    const label = `--rule at ${place}`;
    const row = rows.get(label) ?? {
      ...{ label, named: true, programs: 0, measured: true, runs: 0, ns: 0 },
    };
    rows.set(label, { ...row, programs: row.programs + 1, runs: row.runs + runs, ns: row.ns + ns });
  }
  return [...rows.values()].filter(({ runs }) => runs > 0).map(formatRow);
}

const sharedLabel = (pattern: string, names: readonly string[]): string =>
  `${pattern} (${names.length} functions)`;

const FEW = 4;

/** `rx`, `rx, tx`, `a, b, c, d and 8 more`. */
export function listed(names: readonly string[]): string {
  const more = names.length - FEW;
  return names.slice(0, FEW).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function formatRow({ label, programs, measured, runs, ns }: Row): string {
  if (!measured)
    return `${label}: cost not measured: it runs as a part of the program that calls it`;
  if (runs === 0) return `${label}: cost: no run of its program`;
  const of = programs === 1 ? '' : ` of ${programs} programs`;
  return `${label}: cost: ${Math.round(ns / runs)} ns per run, ${runs} runs${of}, ${formatTime(ns)} of CPU time`;
}

/** `reader: cost: 412.00 ms of CPU time in 10.03 s (4.1 % of one CPU) after 520.00 ms to start, 58.1 MiB resident ...` */
export function formatReaderCost(cost: ReaderCost): string {
  const { cpuNs, elapsedNs, startCpuNs, residentKiB, ringKiB } = cost;
  const share = formatPercent(cpuNs / Math.max(1, elapsedNs));
  const memory =
    ringKiB === undefined
      ? `${mebibytes(residentKiB)} resident with the mapped ring`
      : `${mebibytes(residentKiB - ringKiB)} resident beside the mapped ring`;
  return (
    `reader: cost: ${formatTime(cpuNs)} of CPU time in ${formatTime(elapsedNs)} (${share} of one CPU)` +
    ` after ${formatTime(startCpuNs)} to start, ${memory}`
  );
}

const mebibytes = (kib: number): string => `${(kib / 1024).toFixed(1)} MiB`;

/** Of several together. */
export const sumCosts = (costs: readonly BesideCost[]): { runs: number; ns: number } => ({
  runs: costs.reduce((sum, { runs }) => sum + runs, 0),
  ns: costs.reduce((sum, { ns }) => sum + ns, 0),
});

/** Programs beside the hooks, that keep the maps of who is who current. */
export const formatWatcherCost = (runs: number, ns: number): string =>
  `who: cost: ${Math.round(ns / runs)} ns per run, ${runs} runs, ${formatTime(ns)} of CPU time`;

/** `95 ns`, `12.3 us`, `4.56 ms`, `1.23 s`. */
export function formatTime(ns: number): string {
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(1)} us`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(2)} ms`;
  return `${(ns / 1e9).toFixed(2)} s`;
}

/** `0.03 %`, `4.1 %`: two digits at least. */
export function formatPercent(fraction: number): string {
  const percent = 100 * fraction;
  return `${percent.toFixed(percent < 1 ? 2 : 1)} %`;
}
