/** What the kernel tells of a map behind a descriptor: proc_pid_fdinfo(5). */
export interface HookMapFacts {
  readonly id: number;
  /** enum bpf_map_type. */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** Type of the programs that use it or are in it; undefined before there was one. */
  readonly ownerType: number | undefined;
}

/** Undefined for what is no map. @param fdinfo text of /proc/PID/fdinfo/FD */
export function parseHookMapFacts(fdinfo: string): HookMapFacts | undefined {
  const number = (name: string): number | undefined => {
    const text = new RegExp(`^${name}:\\t(\\d+)$`, 'm').exec(fdinfo)?.[1];
    return text === undefined ? undefined : Number(text);
  };
  const type = number('map_type');
  if (type === undefined) return undefined;
  return {
    id: number('map_id') ?? 0,
    type,
    keySize: number('key_size') ?? 0,
    valueSize: number('value_size') ?? 0,
    maxEntries: number('max_entries') ?? 0,
    ownerType: number('owner_prog_type'),
  };
}
