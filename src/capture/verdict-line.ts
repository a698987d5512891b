import type { HookStats } from '../output/sink.ts';

/**
 * The counts of all actions of a hook map in the form of xdpcap's: `drop: 3/1\tpass: 254/254\t(received/matched
 * packets)\tlost: 0`.
 *
 * @param all of hooks that are named `XDPdrop`, `XDPpass`
 */
export function formatVerdictLine(all: readonly HookStats[]): string {
  const columns = all.map(
    ({ hook, seen, missed, matched }) => `${hook.replace(/^XDP/, '')}: ${seen + missed}/${matched}`,
  );
  const lost = all.reduce((sum, stats) => sum + stats.lost + stats.missed, 0);
  return [...columns, '(received/matched packets)', `lost: ${lost}`].join('\t');
}
