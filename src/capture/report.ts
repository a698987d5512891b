import { COUNTERS } from '../abi/counters.ts';
import { describeHooks, type ResolvedHook } from '../hooks/resolved.ts';
import type { HookStats } from '../output/sink.ts';
import type { CaptureIo } from './options.ts';
import type { CapturePlan } from './plan.ts';
import type { Pump } from './pump.ts';
import type { Session } from './session.ts';
import { hookStats, sumsError } from './stats.ts';
import { explainNothing, formatStats, summarise } from './summary.ts';

const SUBMITTED = COUNTERS.indexOf('submitted');

export interface RunStats {
  /** By hook, in the plan's order. */
  readonly hooks: readonly HookStats[];
  /** Missed by programs that serve several hooks: which of them it was is not known. */
  readonly sharedMisses: number;
}

export function readStats(
  plan: CapturePlan,
  session: Session,
  reader: Pick<Pump, 'written'>,
): RunStats {
  const misses = new Map<number, number>();
  let sharedMisses = 0;
  for (const { hooks, count } of session.misses()) {
    const [only = 0] = hooks;
    if (hooks.length === 1) misses.set(only, (misses.get(only) ?? 0) + count);
    else sharedMisses += count;
  }
  const counts = session.maps.allCounts(plan.names.hooks.length);
  const hooks = plan.names.hooks.map((id, number) => {
    const kernel = counts[number] ?? [];
    const written = reader.written[number] ?? 0;
    return hookStats(id, kernel, {
      written,
      left: Math.max(0, (kernel[SUBMITTED] ?? 0) - written),
      recursionMisses: misses.get(number) ?? 0,
    });
  });
  return { hooks, sharedMisses };
}

/** The line of each hook. */
export function reportCounts(
  io: CaptureIo,
  hooks: readonly ResolvedHook[],
  stats: RunStats,
  format = formatStats,
): void {
  io.log.note(...summarise(stats.hooks, hooks).map(format));
  if (stats.sharedMisses > 0) {
    io.log.note(
      `${stats.sharedMisses} missed at functions that share a program: one ran inside another`,
    );
  }
}

/** All that is said at the end. */
export function report(
  io: CaptureIo,
  hooks: readonly ResolvedHook[],
  stats: RunStats,
  summary: boolean,
  notes: readonly string[],
  format = formatStats,
): void {
  if (summary) reportCounts(io, hooks, stats, format);
  for (const stat of stats.hooks) {
    const wrong = sumsError(stat);
    if (wrong !== undefined) io.log.note(`${stat.hook}: counters do not add up: ${wrong}: a bug`);
  }
  io.log.note(...notes);
  if (!summary) return;
  const [nothing, advice] = explainNothing(stats.hooks, describeHooks(hooks));
  if (nothing !== undefined) io.log.note(nothing);
  if (advice !== undefined) io.log.text(advice);
}
