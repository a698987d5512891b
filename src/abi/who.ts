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

/** Of struct xcap_owner: process, how it is known, name. */
export const OWNER_BYTES = 24;

/** Of struct xcap_who. */
export const WHO_BYTES = 32;

/** What the programs count of it, in the order of the map's entries. */
export const WHO_COUNTS = ['not_followed', 'owner_no_room', 'owner_learned', 'owner_gone'] as const;
export type WhoCount = (typeof WHO_COUNTS)[number];

/** On whose side a process is that --follow follows: values of the map. */
export const FOLLOW_SIDES = { accept: 1, refuse: 2 } as const;

/** Processes that are followed at a time. */
export const FOLLOWED_MAX = 16_384;
/** Sockets, listening ports and names of processes that are known at a time. */
export const OWNERS_MAX = 65_536;

/** Whose cgroup it is. */
export const CGROUP_SOURCES = [undefined, 'socket', 'task'] as const;
export type CgroupSource = NonNullable<(typeof CGROUP_SOURCES)[number]>;

/**
 * How it is known whose socket it is: /proc/PID/fd had it; the process made it, connected it, listens on it, accepted it;
 * it is a connection that came in where the process listens.
 */
export const OWNER_SOURCES = [
  undefined,
  ...(['proc', 'create', 'connect', 'listen', 'accept', 'listener'] as const),
] as const;
export type OwnerSource = NonNullable<(typeof OWNER_SOURCES)[number]>;

/** The process that has a socket. */
export interface RawOwner {
  readonly pid: number;
  readonly comm: string;
  readonly by: OwnerSource;
}

/** XCAP_OWNER_PORT of templates/include/who/owner.h. @param netns inode number */
export const portKey = (netns: number, port: number): bigint =>
  (1n << 62n) | (BigInt(netns) << 16n) | BigInt(port);

/** Longest name with its NUL: TASK_COMM_LEN. */
const COMM_BYTES = 16;

/** struct xcap_owner. */
export function ownerBytes({ pid, comm, by }: RawOwner): Uint8Array {
  const bytes = new Uint8Array(OWNER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, pid, true);
  view.setUint32(4, OWNER_SOURCES.indexOf(by), true);
  new TextEncoder().encodeInto(comm, bytes.subarray(8, 8 + COMM_BYTES - 1));
  return bytes;
}
