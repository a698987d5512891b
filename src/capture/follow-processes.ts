import { type FileReader, readText } from '../kernel/reader.ts';
import { processIds } from '../kernel/processes.ts';
import type { MetadataFilter } from './options.ts';
import type { SessionMaps } from './session-maps.ts';

/** Processes that fork while they are listed are listed again: so often at most. */
const ROUNDS = 8;

type Side = Parameters<SessionMaps['follow']>[1];

/**
 * Puts the processes of --pid, and all that came of them before, on their sides. Those that come of them from now on the kernel
 * adds, so that the watchers have to be attached already.
 */
export function followProcesses(
  maps: Pick<SessionMaps, 'follow'>,
  filters: readonly MetadataFilter[],
  reader: FileReader,
): void {
  const sides = new Map<number, Side>();
  const put = (pid: number, side: Side): void => {
    sides.set(pid, side);
    maps.follow(pid, side);
  };
  for (const filter of filters) {
    if (filter.key === 'pid') put(filter.value, filter.negate ? 'refuse' : 'accept');
  }
  for (let round = 0; round < ROUNDS; round++) {
    const before = sides.size;
    const parents = parentsOf(reader);
    for (const pid of parents.keys()) {
      const path: number[] = [];
      let ancestor: number | undefined = pid;
      while (ancestor !== undefined && !sides.has(ancestor) && path.length < parents.size) {
        path.push(ancestor);
        ancestor = parents.get(ancestor);
      }
      const side = ancestor === undefined ? undefined : sides.get(ancestor);
      if (side !== undefined) for (const each of path) put(each, side);
    }
    if (sides.size === before) return;
  }
}

function parentsOf(reader: FileReader): ReadonlyMap<number, number> {
  const parents = new Map<number, number>();
  for (const pid of processIds(reader)) {
    const stat = readText(reader, `/proc/${pid}/stat`);
    // proc_pid_stat(5): the name is in brackets and may have some itself.
    const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    if (parent !== undefined) parents.set(pid, Number(parent));
  }
  return parents;
}
