import type { Btf } from '../btf/btf.ts';
import { funcProto } from '../btf/functions.ts';
import { memberPath } from '../btf/members.ts';
import { flag } from './flag.ts';
import type { StructWants } from './structs.ts';

/** What events tell of whose packet it is. */
export interface WhoWants {
  readonly owner: boolean;
  readonly cgroup: boolean;
  /** Processes that come of those of --pid are traced too. */
  readonly follow: boolean;
}

export const hasWho = ({ owner, cgroup }: Omit<WhoWants, 'follow'>): boolean => owner || cgroup;

/** Those of templates/include/who/who.h. */
export const WHO_STRUCTS: StructWants = {
  sock: ['__sk_common.skc_listener', 'sk_cgrp_data.cgroup', 'sk_cgrp_data.val', 'sk_shutdown'],
  task_struct: ['cgroups'],
  css_set: ['dfl_cgrp'],
  cgroup: ['level', 'kn'],
  kernfs_node: ['id'],
};

/** Macros of config.gen.h. */
export function whoDefines(btf: Btf, who: WhoWants, fentry: boolean): [string, number][] {
  const at = (member: string): number => memberPath(btf, 'cgroup', member)?.offsetBytes ?? 0;
  const { owner, cgroup, follow } = who;
  const releases = watchersOf(btf, who, fentry).some((each) => each.function === RELEASE);
  return [
    ['XCAP_WHO', flag(hasWho(who))],
    ['XCAP_FOLLOW', flag(follow)],
    ['XCAP_WHO_OWNER', flag(owner)],
    ['XCAP_OWNER_RELEASES', flag(releases)],
    // Where a program at its end finds what it returns.
    ['XCAP_ACCEPT_RETURNS', owner ? (funcProto(btf, 'inet_csk_accept')?.params.length ?? 0) : 0],
    ['XCAP_WHO_CGROUP', flag(cgroup)],
    ...(cgroup
      ? ([
          ['XCAP_CGROUP_ANCESTORS', at('ancestors')],
          ['XCAP_CGROUP_ANCESTOR_IDS', at('ancestor_ids')],
        ] satisfies [string, number][])
      : []),
  ];
}

/** A program that is attached beside the hooks, and sends no events. */
export interface Watcher {
  /** The compiled function. */
  readonly function: string;
  readonly at:
    | { readonly kind: 'tracepoint'; readonly name: string }
    | { readonly kind: 'fentry' | 'fexit'; readonly name: string; readonly btfId: number };
}

const atTracepoint = (name: string, of: string): Watcher => ({
  function: `xcap_watch_${of}`,
  at: { kind: 'tracepoint', name },
});

const RELEASE = 'xcap_watch_release';

/** Function of the kernel that tells of sockets, which program is for it, and when it looks. */
const SOCKET_FUNCTIONS = [
  ['sock_init_data', 'create', 'fentry'],
  ['inet_csk_accept', 'accept', 'fexit'],
  ['inet_release', 'release', 'fexit'],
] as const;

/**
 * What keeps the maps of who is who current.
 *
 * @param fentry functions of the kernel can be hooked
 */
export function watchersOf(
  btf: Btf,
  { follow, owner }: WhoWants,
  fentry: boolean,
): readonly Watcher[] {
  const watchers: Watcher[] = [];
  if (follow) watchers.push(atTracepoint('sched_process_fork', 'fork'));
  if (follow || owner) watchers.push(atTracepoint('sched_process_free', 'free'));
  if (!owner) return watchers;
  watchers.push(
    atTracepoint('inet_sock_set_state', 'state'),
    atTracepoint('sched_process_exec', 'exec'),
  );
  for (const [name, of, kind] of fentry ? SOCKET_FUNCTIONS : []) {
    const btfId = funcProto(btf, name)?.id;
    if (btfId === undefined) continue;
    watchers.push({ function: `xcap_watch_${of}`, at: { kind, name, btfId } });
  }
  return watchers;
}
