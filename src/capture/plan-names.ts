/** Names of namespaces, devices and places in a plan: looked up here, or by the run that the plan is for. */

import { UsageError } from '../errors.ts';
import type { CgroupRef } from '../kernel/cgroups.ts';
import { resolveInterface, type InterfaceRef } from '../kernel/interfaces.ts';
import type { AddressRange } from '../kernel/kallsyms.ts';
import type { KernelView } from '../kernel/view.ts';
import type { PlanTarget } from './plan-target.ts';
import { resolveLocation } from './resolve-location.ts';

const ARPHRD_ETHER = 1;
/** An inode number, as that of any namespace. */
const SOME_NETNS = 0xf0000000;

/** The inode number. @throws UsageError */
export function findNetns(
  text: string,
  { netns }: Pick<KernelView, 'netns'>,
  { namesLater }: Pick<PlanTarget, 'namesLater'>,
): number {
  return namesLater ? SOME_NETNS : netns.parse(text).inode;
}

/** What stands for a cgroup that is looked up later. */
const SOME_CGROUP: CgroupRef = { id: 1, level: 0 };

/** That of --cgroup. @throws UsageError */
export function findCgroup(
  text: string,
  { cgroups }: Pick<KernelView, 'cgroups'>,
  { namesLater }: Pick<PlanTarget, 'namesLater'>,
): CgroupRef {
  return namesLater ? SOME_CGROUP : cgroups.parse(text);
}

/** That of --container. @throws UsageError */
export function findContainer(
  text: string,
  { cgroups }: Pick<KernelView, 'cgroups'>,
  { namesLater }: Pick<PlanTarget, 'namesLater'>,
): CgroupRef {
  return namesLater ? SOME_CGROUP : cgroups.parseContainer(text);
}

/** The device of -i; undefined for all. @throws UsageError */
export function findDevice(
  name: string | undefined,
  { netns }: Pick<KernelView, 'netns'>,
  { reader, namesLater }: PlanTarget,
): InterfaceRef | undefined {
  if (name === undefined) return undefined;
  if (namesLater) return { name, ifindex: 1, type: ARPHRD_ETHER, netns: SOME_NETNS };
  return resolveInterface(name, { reader, netns });
}

/**
 * The addresses that a location means. Where the program will run, a function may be there that is not here: it is
 * taken to be one of its name.
 *
 * @throws UsageError
 */
export function findLocations(
  text: string,
  { symbols }: Pick<KernelView, 'symbols'>,
  { namesLater }: Pick<PlanTarget, 'namesLater'>,
): readonly AddressRange[] {
  try {
    return resolveLocation(symbols, text);
  } catch (error) {
    if (!namesLater || !(error instanceof UsageError)) throw error;
    const from = 1n << 63n;
    return [{ from, to: text.includes('+') ? from : from + 1n }];
  }
}
