import { containerLabel, containerOf } from './container.ts';
import { type Clock, Gate } from './gate.ts';
import { cgroupOfProcess } from './process-cgroup.ts';
import { netnsOfProcess, processIds } from './processes.ts';
import { type FileReader, readText } from './reader.ts';

/** All processes are looked at, at most this often. */
const SCAN_MS = 1000;
/** After this an owner is asked again whether it still is in that namespace. */
const TRUST_MS = 5000;

export interface NetnsOwner {
  readonly pid: number;
  /** Its container or pod, `docker:0123456789ab`; else `comm/pid`. */
  readonly name: string;
}

/** The process of the lowest number in each network namespace: the first of a container. */
export class NetnsOwners {
  readonly #reader: FileReader;
  readonly #now: Clock;
  readonly #scan: Gate;
  readonly #known = new Map<number, { readonly owner: NetnsOwner; trustedUntil: number }>();

  constructor(reader: FileReader, now: Clock) {
    this.#reader = reader;
    this.#now = now;
    this.#scan = new Gate(SCAN_MS, now);
  }

  owner(inode: number): NetnsOwner | undefined {
    const entry = this.#known.get(inode);
    if (entry !== undefined) {
      if (this.#now() < entry.trustedUntil) return entry.owner;
      if (netnsOfProcess(this.#reader, entry.owner.pid) === inode) {
        entry.trustedUntil = this.#now() + TRUST_MS;
        return entry.owner;
      }
      this.#known.delete(inode);
    }
    if (!this.#scan.pass()) return undefined;
    this.#scanProcesses();
    return this.#known.get(inode)?.owner;
  }

  /** The one that has such a name, and its namespace: for a user's question, not for packets. */
  find(name: string): { readonly inode: number; readonly owner: NetnsOwner } | undefined {
    this.#scanProcesses();
    for (const [inode, { owner }] of this.#known) if (owner.name === name) return { inode, owner };
    return undefined;
  }

  #scanProcesses(): void {
    const first = new Map<number, number>();
    for (const pid of processIds(this.#reader)) {
      const inode = netnsOfProcess(this.#reader, pid);
      if (inode !== undefined && !first.has(inode)) first.set(inode, pid);
    }
    this.#known.clear();
    const trustedUntil = this.#now() + TRUST_MS;
    for (const [inode, pid] of first) {
      this.#known.set(inode, { owner: { pid, name: this.#nameOf(pid) }, trustedUntil });
    }
  }

  #nameOf(pid: number): string {
    const cgroup = cgroupOfProcess(this.#reader, pid);
    const label = cgroup === undefined ? undefined : containerLabel(containerOf(cgroup));
    return label ?? `${readText(this.#reader, `/proc/${pid}/comm`) ?? '?'}/${pid}`;
  }
}
