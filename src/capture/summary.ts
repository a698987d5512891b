import type { ResolvedHook } from '../hooks/resolved.ts';
import type { HookStats } from '../output/sink.ts';

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `drop: 201 seen, 1 rejected (filter 1), 200 matched, 200 written, 0 lost, 0 missed` */
export function formatStats(stats: HookStats): string {
  return formatLine(stats, [
    `${stats.matched} matched`,
    ...(stats.sampledOut > 0 ? [`${stats.sampledOut} sampled out`] : []),
    `${stats.written} written`,
    `${stats.lost} lost`,
    ...(stats.left > 0 ? [`${stats.left} left`] : []),
  ]);
}

/**
 * Of `xcap top`: `drop: 201 seen, 1 rejected (filter 1), 200 counted, 0 other, 0 missed`, where a row has what was
 * counted, and other had no room for one.
 */
export function formatTopStats(stats: HookStats): string {
  return formatLine(stats, [`${stats.written} counted`, `${stats.lost} other`]);
}

/** @param outcomes what became of those that were not rejected */
function formatLine(stats: HookStats, outcomes: readonly string[]): string {
  const rejected = Object.entries(stats.rejected);
  const rejectedSum = rejected.reduce((sum, [, count]) => sum + count, 0);
  const detail = rejected.map(([label, count]) => `${label} ${count}`).join(', ');
  const parts = [
    `${stats.seen} seen`,
    ...(stats.skipped > 0 ? [`${stats.skipped} skipped`] : []),
    `${rejectedSum} rejected${detail === '' ? '' : ` (${detail})`}`,
    ...outcomes,
    `${stats.missed} missed`,
    ...(stats.unreturned > 0 ? [`${stats.unreturned} not returned`] : []),
  ];
  return `${stats.hook}: ${parts.join(', ')}`;
}

/**
 * What of all counts is printed: of what a pattern found the hooks that saw something, and behind
 * them the sum of all under the pattern's name.
 */
export function summarise(
  all: readonly HookStats[],
  hooks: readonly Pick<ResolvedHook, 'id' | 'pattern'>[],
): readonly HookStats[] {
  const sums = new Map<string, HookStats>();
  const patterns = new Map(hooks.map(({ id, pattern }) => [id, pattern]));
  const shown = all.filter((stats) => {
    const pattern = patterns.get(stats.hook);
    if (pattern === undefined) return true;
    const sum = sums.get(pattern);
    sums.set(pattern, sum === undefined ? { ...stats, hook: pattern } : addStats(sum, stats));
    return stats.seen > 0 || stats.missed > 0;
  });
  return [...shown, ...sums.values()];
}

function addStats(sum: HookStats, stats: HookStats): HookStats {
  const rejected: Record<string, number> = { ...sum.rejected };
  for (const [label, count] of Object.entries(stats.rejected)) {
    rejected[label] = (rejected[label] ?? 0) + count;
  }
  return {
    hook: sum.hook,
    seen: sum.seen + stats.seen,
    skipped: sum.skipped + stats.skipped,
    rejected,
    matched: sum.matched + stats.matched,
    sampledOut: sum.sampledOut + stats.sampledOut,
    written: sum.written + stats.written,
    lost: sum.lost + stats.lost,
    left: sum.left + stats.left,
    missed: sum.missed + stats.missed,
    unreturned: sum.unreturned + stats.unreturned,
  };
}

/** Beside the labels of filters. */
const SKIPPED = 'skipped';

/** What to try for each filter that can reject everything. */
const ADVICE: Readonly<Record<string, string>> = {
  [SKIPPED]: 'those were not looked at: raise --max-overhead, or hook a quieter place',
  filter: 'no packet at this hook matches the expression: try it without one',
  'no link header':
    'those packets have no link header and the expression asks for one: leave its link-layer terms out',
  'not in the linear part':
    'the expression asks for bytes that this kernel does not let xcap read: ask for headers only',
  'no inner packet':
    'those are no tunnel packets that xcap knows: VXLAN on UDP ports 4789 and 8472, Geneve on 6081, GRE, IP in IP',
  'inner filter': "no inner packet matches the expression: try --inner ''",
  'no packet':
    'those events have no packet to judge: an expression, --inner, --where and the C of the user need one',
  'filter-c': 'events were seen that the C of --filter-c rejects',
  reason: 'other reasons were seen: run without --reason to list them',
  netns: 'other namespaces were seen: run without --netns to list them',
  interface:
    'other devices were seen: run without -i or --ifname; a bond or bridge shows its ports',
  mark: 'other marks were seen: run without --mark',
  'no process context':
    'those were outside process context, where the running task is not to blame: use --netns or an address instead',
  pid: 'other processes were seen: run without --pid',
  tid: 'other threads were seen: run without --tid',
  uid: 'other users were seen: run without --uid',
  comm: 'other commands were seen: run without --comm; comm is at most 15 bytes',
  where:
    'events were seen that --where does not match: leave terms out; one about what an event does not have is false',
};

/** Longer lists of hooks are described. */
const FEW_HOOKS = 8;

/**
 * Why nothing was captured: which filter rejected how many, and what to try.
 *
 * @param described the hooks, as the banner has them
 */
export function explainNothing(
  all: readonly HookStats[],
  described: readonly string[],
): readonly string[] {
  if (all.some((stats) => stats.matched > stats.sampledOut)) return [];
  const sampledOut = all.reduce((sum, stats) => sum + stats.sampledOut, 0);
  if (sampledOut > 0) {
    return [
      `nothing captured: ${plural(sampledOut, 'event')} matched, and chance left out all of them`,
      '  a smaller N of --sample 1/N takes more of them',
    ];
  }
  const totals = new Map<string, number>();
  for (const stats of all) {
    if (stats.skipped > 0) totals.set(SKIPPED, (totals.get(SKIPPED) ?? 0) + stats.skipped);
    for (const [label, count] of Object.entries(stats.rejected)) {
      totals.set(label, (totals.get(label) ?? 0) + count);
    }
  }
  const few = all.length <= FEW_HOOKS;
  const hooks = (few ? all.map((stats) => stats.hook) : described).join(', ');
  if (totals.size === 0) {
    return [
      `nothing captured: no event at ${hooks} while tracing`,
      '  try --hook rx,tx to see whether the traffic reaches this host at all',
    ];
  }
  const [label, count] = [...totals].sort((a, b) => b[1] - a[1])[0] ?? ['filter', 0];
  const how = label === SKIPPED ? 'skipped for --max-overhead' : `rejected by ${label}`;
  return [`nothing captured: ${plural(count, 'event')} ${how}`, `  ${ADVICE[label] ?? ''}`];
}
