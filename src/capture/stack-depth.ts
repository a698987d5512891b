import { unitKind, hasStackHelper } from '../codegen/unit-kind.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';
import { readText, type FileReader } from '../kernel/reader.ts';

/** PERF_MAX_STACK_DEPTH of include/uapi/linux/perf_event.h: what the kernel walks unless told otherwise. */
const DEPTH = 127;

/** Frames that a stack is captured with: a map of deeper ones is refused (E2BIG). */
export function stackDepth(reader: FileReader): number {
  const limit = Number(readText(reader, '/proc/sys/kernel/perf_event_max_stack') ?? DEPTH);
  return limit > 0 ? Math.min(limit, DEPTH) : DEPTH;
}

/** Hooks whose programs cannot ask for it. */
export function stackNotes(wanted: boolean, hooks: readonly ResolvedHook[]): readonly string[] {
  const without = wanted ? hooks.filter((hook) => !hasStackHelper(unitKind(hook))) : [];
  if (without.length === 0) return [];
  const ids = [...new Set(without.map(({ id }) => id))];
  return [`${ids.join(', ')}: no stack: the kernel tells XDP programs none`];
}
