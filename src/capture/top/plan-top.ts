import { defaultTopRows, topKeyBytes, type TopDimension } from '../../abi/top.ts';
import type { TopSizes } from '../../abi/maps.ts';
import { UsageError } from '../../errors.ts';
import type { ResolvedHook } from '../../hooks/resolved.ts';
import type { TopRun } from '../options.ts';

/** What a run of `xcap top` counts by, and what its map takes. */
export interface TopPlan extends TopSizes {
  readonly by: readonly TopDimension[];
}

/**
 * Without --by: why and where of drops, which other hooks do not know; of those which hook it was.
 *
 * @throws UsageError for hooks whose events end at a return
 */
export function planTop(
  { by, maxRows }: TopRun,
  hooks: readonly Pick<ResolvedHook, 'id' | 'hasLocation' | 'part'>[],
  cpus: number,
): TopPlan {
  const returning = hooks.find(({ part }) => part !== undefined);
  if (returning !== undefined) {
    throw new UsageError(`counting: ${returning.id}: what a function returns is not counted`, {
      hint: `where it is called: --hook ${returning.id.replace(/^[a-z]+:/, '')}`,
    });
  }
  const drops = hooks.every(({ hasLocation }) => hasLocation);
  const chosen = by ?? (drops ? ['reason', 'location'] : ['hook', 'iface']);
  return { by: chosen, keyBytes: topKeyBytes(chosen), rows: maxRows ?? defaultTopRows(cpus) };
}
