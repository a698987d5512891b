import type { HookStats } from '../../output/sink.ts';
import { formatStats } from '../summary.ts';

/**
 * `drop: 201 seen, 1 rejected (filter 1), 200 counted, 0 other, 0 missed`: `seen = rejected + counted + other`,
 * where a row has what was counted, and other had no room for one.
 */
export function formatTopStats(stats: HookStats): string {
  const matched = `, ${stats.matched} matched, ${stats.written} written, ${stats.lost} lost`;
  return formatStats(stats).replace(matched, `, ${stats.written} counted, ${stats.lost} other`);
}
