import type { Btf } from '../btf/btf.ts';
import { memberPath } from '../btf/members.ts';
import type { StructWants } from './structs.ts';

/** What events tell of whose packet it is. */
export interface WhoWants {
  readonly owner: boolean;
  readonly cgroup: boolean;
}

export const hasWho = ({ owner, cgroup }: WhoWants): boolean => owner || cgroup;

/** Those of templates/include/who.h. */
export const WHO_STRUCTS: StructWants = {
  sock: ['__sk_common.skc_listener', 'sk_cgrp_data.cgroup', 'sk_cgrp_data.val'],
  task_struct: ['cgroups'],
  css_set: ['dfl_cgrp'],
  cgroup: ['level', 'kn'],
  kernfs_node: ['id'],
};

/** Macros of config.gen.h. */
export function whoDefines(btf: Btf, who: WhoWants): [string, number][] {
  const at = (member: string): number => memberPath(btf, 'cgroup', member)?.offsetBytes ?? 0;
  const { owner, cgroup } = who;
  return [
    ['XCAP_WHO', hasWho(who) ? 1 : 0],
    ['XCAP_WHO_OWNER', owner ? 1 : 0],
    ['XCAP_WHO_CGROUP', cgroup ? 1 : 0],
    ...(cgroup
      ? ([
          ['XCAP_CGROUP_ANCESTORS', at('ancestors')],
          ['XCAP_CGROUP_ANCESTOR_IDS', at('ancestor_ids')],
        ] satisfies [string, number][])
      : []),
  ];
}
