import { UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import { type Clock, Gate, monotonicClock } from './gate.ts';
import { NetnsOwners } from './netns-owners.ts';
import type { FileReader } from './reader.ts';

/** Where `ip netns add` keeps its names (ip-netns(8)). */
const FOLDER = '/run/netns';
const OWN = '/proc/self/ns/net';
/** Names are looked up per packet, but a namespace's inode number is given to the next one at once. */
const RESCAN_MS = 1000;

/** A network namespace that a user named. */
export interface NetnsRef {
  readonly inode: number;
  /** A file that setns(2) takes; undefined for `inode:N` where none is known. */
  readonly path: string | undefined;
}

/**
 * Names of network namespaces by inode number: the one in /run/netns, else the process of the lowest
 * number in it: its container or pod, as `docker:0123456789ab`, else itself, as `nginx/1234`. Changes are seen within a second, processes' within five.
 */
export class NetnsNames {
  readonly #reader: FileReader;
  readonly #rescan: Gate;
  readonly #owners: NetnsOwners;
  #named = new Map<number, string>();
  #own: number | undefined;

  constructor(reader: FileReader, now: Clock = monotonicClock) {
    this.#reader = reader;
    this.#rescan = new Gate(RESCAN_MS, now);
    this.#owners = new NetnsOwners(reader, now);
  }

  /** Inode number of the namespace that xcap itself runs in. */
  get own(): number | undefined {
    return (this.#own ??= this.#reader.stat(OWN)?.inode);
  }

  /** Undefined when nothing names it; the caller's own has no name unless /run/netns gives one. */
  name(inode: number): string | undefined {
    const name = this.#list().get(inode);
    if (name !== undefined) return name;
    return inode === this.own ? undefined : this.#owners.owner(inode)?.name;
  }

  /**
   * How a namespace is written behind a device's name: not at all when it is the caller's own,
   * where a bare device name is unambiguous; `inode:N`, as --netns takes it, without a name.
   */
  label(inode: number): string | undefined {
    return inode === this.own ? undefined : (this.name(inode) ?? `inode:${inode}`);
  }

  /** A file that setns(2) takes to enter it. */
  path(inode: number): string | undefined {
    if (inode === this.own) return OWN;
    const name = this.#list().get(inode);
    if (name !== undefined) return `${FOLDER}/${name}`;
    const owner = this.#owners.owner(inode);
    return owner === undefined ? undefined : `/proc/${owner.pid}/ns/net`;
  }

  /**
   * The namespace that `NAME`, `PID`, a path, `inode:N` or `self` means, or a name that name() gives; a name of /run/netns goes
   * before a process of that number. Throws UsageError with the nearest names.
   */
  parse(text: string): NetnsRef {
    if (text === 'self') {
      const inode = this.own;
      if (inode !== undefined) return { inode, path: OWN };
      throw new UsageError(`choosing namespaces: ${text}: cannot read ${OWN}`, {
        hint: 'mount /proc',
      });
    }
    if (text.startsWith('inode:')) {
      const inode = /^inode:\d{1,10}$/.test(text) ? Number(text.slice('inode:'.length)) : 0;
      if (inode > 0 && inode <= 0xffffffff) return { inode, path: this.path(inode) };
      throw new UsageError(`choosing namespaces: ${text}: not an inode number`, {
        hint: 'give it as `stat -Lc %i /proc/PID/ns/net` prints it: inode:4026531833',
      });
    }
    const found = /^[^/]+[:/]/.test(text) ? this.#owners.find(text) : undefined;
    if (found !== undefined) {
      return { inode: found.inode, path: `/proc/${found.owner.pid}/ns/net` };
    }
    if (text.includes('/')) return this.#open(text, text);
    if (text !== '' && text !== '.' && text !== '..') {
      const path = `${FOLDER}/${text}`;
      if (this.#reader.stat(path) !== undefined) return this.#open(text, path);
    }
    if (/^\d+$/.test(text)) {
      const path = `/proc/${text}/ns/net`;
      if (this.#reader.stat(path) !== undefined) return this.#open(text, path);
      throw new UsageError(`choosing namespaces: ${text}: no such process`);
    }
    throw this.#unknown(text);
  }

  #open(text: string, path: string): NetnsRef {
    const found = this.#reader.stat(path);
    if (found === undefined) {
      throw new UsageError(`choosing namespaces: ${text}: no such file`);
    }
    // All namespaces are on one device, nsfs; a name whose mount is gone is an empty file elsewhere.
    const isNetns = found.device === this.#reader.stat(OWN)?.device && this.#isNet(path);
    if (!isNetns) {
      throw new UsageError(`choosing namespaces: ${text}: not a network namespace`, {
        hint: 'give a name that `ip netns` lists, a process, or /proc/PID/ns/net',
      });
    }
    return { inode: found.inode, path };
  }

  /** /proc/PID/ns/mnt is on nsfs as well, but its link says what it is; a bind mount is no link. */
  #isNet(path: string): boolean {
    const link = this.#reader.readLink(path);
    return link === undefined || !/^[a-z_]+:\[\d+\]$/.test(link) || link.startsWith('net:');
  }

  #unknown(text: string): UsageError {
    const names = [...this.#list().values()];
    const near = nearest(text, names);
    const suggestion = near.length > 0 ? `did you mean ${near.join(' or ')}? ` : '';
    return new UsageError(`choosing namespaces: ${text}: no such namespace`, {
      hint: `${suggestion}NAME is one that \`ip netns\` lists; else PID, a path, inode:N or self`,
    });
  }

  #list(): ReadonlyMap<number, string> {
    if (!this.#rescan.pass()) return this.#named;
    const device = this.#reader.stat(OWN)?.device;
    this.#named = new Map();
    // Sorted, so that of two names for one namespace the same one is taken each time.
    for (const name of [...(this.#reader.readDir(FOLDER) ?? [])].sort()) {
      const found = this.#reader.stat(`${FOLDER}/${name}`);
      if (found === undefined || found.device !== device) continue;
      if (!this.#named.has(found.inode)) this.#named.set(found.inode, name);
    }
    return this.#named;
  }
}
