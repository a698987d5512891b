/** What an event has of its socket's process and of its cgroup, behind it where a run asks for it. */
import { layoutFields } from './events.ts';

export const WHO_FIELDS = layoutFields([
  ['cgroup', 'u64'], // its id in cgroup v2; 0: not known
  ['owner', 'u32'], // the process that has the socket; 0: not known
  ['owner_by', 'u8'], // index in OWNER_SOURCES
  ['cgroup_by', 'u8'], // index in CGROUP_SOURCES
  ['who_unused', 'u8', 2],
  ['owner_comm', 'u8', 16],
]);

/** Of struct xcap_who. */
export const WHO_BYTES = 32;

/** Whose cgroup it is. */
export const CGROUP_SOURCES = [undefined, 'socket', 'task'] as const;
export type CgroupSource = NonNullable<(typeof CGROUP_SOURCES)[number]>;

/**
 * How it is known whose socket it is: /proc/PID/fd had it; the process made it, connected it, listens on it, accepted it;
 * it belongs to a listening socket and nobody has accepted it yet; the task that was running sent from it.
 */
export const OWNER_SOURCES = [
  undefined,
  ...(['proc', 'create', 'connect', 'listen', 'accept', 'listener', 'task'] as const),
] as const;
export type OwnerSource = NonNullable<(typeof OWNER_SOURCES)[number]>;
