import type { Matches, MetadataMatches } from '../codegen/metadata.ts';
import type { CgroupRef } from '../kernel/cgroups.ts';
import type { MetadataFilter } from './options.ts';

/** Turns names into the numbers that the kernel compares; each throws UsageError when it cannot. */
export interface MetadataResolver {
  readonly reason: (text: string) => number;
  readonly netns: (text: string) => number;
  readonly cgroup: (text: string) => CgroupRef;
  readonly container: (text: string) => CgroupRef;
}

type Key = MetadataFilter['key'];

function split<T>(
  filters: readonly MetadataFilter[],
  key: Key,
  value: (filter: MetadataFilter) => T,
): Matches<T> {
  const own = filters.filter((filter) => filter.key === key);
  return {
    accept: own.filter((filter) => !filter.negate).map(value),
    refuse: own.filter((filter) => filter.negate).map(value),
  };
}

const numberOf = (filter: MetadataFilter): number => Number(filter.value);
const textOf = (filter: MetadataFilter): string => String(filter.value);

/** The metadata filters of the command line as what the program compares; -i comes in beside. */
export function resolveMetadata(
  filters: readonly MetadataFilter[],
  device: { readonly ifindex: number; readonly netns: number } | undefined,
  resolver: MetadataResolver,
): MetadataMatches {
  const cgroups = split(filters, 'cgroup', (filter) => resolver.cgroup(textOf(filter)));
  const containers = split(filters, 'container', (filter) => resolver.container(textOf(filter)));
  return {
    cgroup: {
      accept: [...cgroups.accept, ...containers.accept],
      refuse: [...cgroups.refuse, ...containers.refuse],
    },
    reason: split(filters, 'reason', (filter) => resolver.reason(textOf(filter))),
    netns: split(filters, 'netns', (filter) => resolver.netns(textOf(filter))),
    interface: { accept: device === undefined ? [] : [device], refuse: [] },
    ifname: split(filters, 'ifname', textOf),
    mark: split(filters, 'mark', (filter) => ({
      value: numberOf(filter),
      mask: filter.key === 'mark' ? filter.mask : 0xffffffff,
    })),
    pid: split(filters, 'pid', numberOf),
    tid: split(filters, 'tid', numberOf),
    uid: split(filters, 'uid', numberOf),
    comm: split(filters, 'comm', textOf),
  };
}
