/**
 * One per-CPU counter per way an event can end; an event ends in exactly one. Order is the C
 * enum's; 0 is never an outcome, so that a filter's "not rejected" is 0.
 */
export const COUNTERS = [
  'none',
  'submitted',
  'lost',
  'missed',
  'rejected_reason',
  'rejected_netns',
  'rejected_interface',
  'rejected_mark',
  'rejected_context',
  'rejected_pid',
  'rejected_tid',
  'rejected_uid',
  'rejected_comm',
  'rejected_cgroup',
  'rejected_where',
  'rejected_filter',
  'rejected_no_link',
  'rejected_nonlinear',
  'rejected_no_inner',
  'rejected_inner',
  'rejected_user',
  'rejected_no_packet',
  /** At a hook that is asked of followed packets only, and it is not one of them. */
  'rejected_untracked',
  /** Matched, and its function has not returned: goes down again when it does. */
  'waiting',
  /** Not looked at, so that --max-overhead holds. */
  'skipped',
  /** Matched, and not of the one in N that --sample wants. */
  'sampled_out',
  /** Beside the outcome: an address of a followed packet had no room in the map. */
  'untracked',
] as const;

export type Counter = (typeof COUNTERS)[number];

/** How the summary names what a filter rejected. */
export const REJECTED_LABELS: Readonly<Partial<Record<Counter, string>>> = {
  rejected_reason: 'reason',
  rejected_netns: 'netns',
  rejected_interface: 'interface',
  rejected_mark: 'mark',
  rejected_context: 'no process context',
  rejected_pid: 'pid',
  rejected_tid: 'tid',
  rejected_uid: 'uid',
  rejected_comm: 'comm',
  rejected_cgroup: 'cgroup',
  rejected_where: 'where',
  rejected_filter: 'filter',
  rejected_no_link: 'no link header',
  rejected_nonlinear: 'not in the linear part',
  rejected_no_inner: 'no inner packet',
  rejected_inner: 'inner filter',
  rejected_user: 'filter-c',
  rejected_no_packet: 'no packet',
  rejected_untracked: 'not followed',
};
