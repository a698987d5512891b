import type { EventView } from '../abi/decode.ts';
import type { CgroupSource, OwnerSource } from '../abi/who.ts';
import { containerLabel, containerOf } from '../kernel/container.ts';
import type { Names } from './names.ts';

/** Whose packet it is, beside the task that was running. */
export interface WhoFields {
  /** The process that has the packet's socket, and how that is known. */
  readonly ownerPid?: number | undefined;
  readonly ownerComm?: string | undefined;
  readonly ownerBy?: OwnerSource | undefined;
  /** Path of the cgroup below the root, `id:N` where that is not known, and whose it is. */
  readonly cgroup?: string | undefined;
  readonly cgroupBy?: CgroupSource | 'proc' | undefined;
  /** Id of the container, and uid of the pod, that the path tells of. */
  readonly container?: string | undefined;
  readonly pod?: string | undefined;
  /** What a text line writes of them: `docker:0123456789ab`, else the path. */
  readonly whoLabel?: string | undefined;
}

export const NOBODY: WhoFields = {};

const ROOT = '/';

export function describeWho(event: EventView, names: Names): WhoFields {
  const { owner, cgroup } = event;
  if (owner === undefined && cgroup === undefined) return NOBODY;
  return {
    ownerPid: owner?.pid,
    ownerComm: owner?.comm,
    ownerBy: owner?.by,
    ...(cgroup === undefined ? {} : describeCgroup(event, names)),
  };
}

function describeCgroup(event: EventView, names: Names): WhoFields {
  const { cgroup, owner } = event;
  if (cgroup === undefined) return NOBODY;
  const unified = names.cgroup?.(cgroup.id);
  // The root is all that v2 says of hosts where containers are in v1: there /proc tells, while the process lives.
  const pid = owner?.pid ?? (event.context === 'process' ? event.tgid : undefined);
  const asked = pid !== undefined && (unified === undefined || unified === ROOT);
  const told = asked ? names.cgroupOfProcess?.(pid) : undefined;
  const elsewhere = told === ROOT ? undefined : told;
  const path = elsewhere ?? unified ?? `id:${cgroup.id}`;
  const container = containerOf(path);
  return {
    cgroup: path,
    cgroupBy: elsewhere === undefined ? cgroup.by : 'proc',
    container: container.id,
    pod: container.pod,
    whoLabel: path === ROOT ? undefined : (containerLabel(container) ?? path),
  };
}
