import { PermissionError } from '../errors.ts';
import { type Clock, Gate } from './gate.ts';
import { processIds } from './processes.ts';
import { type FileReader, readText } from './reader.ts';

/** All descriptors of all processes are looked at, at most this often. */
const SCAN_MS = 1000;
/** After this it is asked again whose socket it is. */
const TRUST_MS = 5000;

/** A process that holds a socket. */
export interface SocketOwner {
  readonly pid: number;
  readonly comm: string;
}

/** Which process has a socket open: the one of the lowest number where several do. By /proc/PID/fd. */
export class SocketOwners {
  readonly #reader: FileReader;
  readonly #now: Clock;
  readonly #scan: Gate;
  #known = new Map<number, SocketOwner>();
  #trustedUntil = -Infinity;

  constructor(reader: FileReader, now: Clock) {
    this.#reader = reader;
    this.#now = now;
    this.#scan = new Gate(SCAN_MS, now);
  }

  /** @param inode as in `socket:[N]` */
  owner(inode: number): SocketOwner | undefined {
    const known = this.#known.get(inode);
    if (known !== undefined && this.#now() < this.#trustedUntil) return known;
    if (!this.#scan.pass()) return known;
    this.#scanProcesses();
    return this.#known.get(inode);
  }

  /** All that there are now, by inode. */
  all(): ReadonlyMap<number, SocketOwner> {
    this.#scanProcesses();
    return this.#known;
  }

  #scanProcesses(): void {
    this.#known = new Map();
    this.#trustedUntil = this.#now() + TRUST_MS;
    for (const pid of processIds(this.#reader)) {
      let owner: SocketOwner | undefined;
      for (const inode of this.#socketsOf(pid)) {
        owner ??= { pid, comm: readText(this.#reader, `/proc/${pid}/comm`) ?? '?' };
        if (!this.#known.has(inode)) this.#known.set(inode, owner);
      }
    }
  }

  *#socketsOf(pid: number): Generator<number> {
    try {
      for (const fd of this.#reader.readDir(`/proc/${pid}/fd`) ?? []) {
        const link = this.#reader.readLink(`/proc/${pid}/fd/${fd}`);
        const inode = /^socket:\[(\d+)\]$/.exec(link ?? '')?.[1];
        if (inode !== undefined) yield Number(inode);
      }
    } catch (error) {
      // Another user's process.
      if (!(error instanceof PermissionError)) throw error;
    }
  }
}
