import { UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import { containerOf } from './container.ts';
import { cgroupOfProcess } from './process-cgroup.ts';
import { type Clock, Gate } from './gate.ts';
import { type FileReader, readText } from './reader.ts';

/** The whole tree is walked, at most this often. */
const WALK_MS = 1000;
/** Most cgroups that are remembered, those that are gone among them. */
const KNOWN_LIMIT = 65_536;
/** Deeper ones are not looked for: the kernel's own limit is the user's, who seldom sets one. */
const DEPTH_LIMIT = 32;

/** A cgroup as a program compares it. */
export interface CgroupRef {
  /** Inode number of its directory, which is the kernel's id of it. */
  readonly id: number;
  /** How far below the root it is, which is 0. */
  readonly level: number;
}

/** The cgroups of version 2: their paths by id, and back. Of version 1 those of a process. */
export class Cgroups {
  readonly #reader: FileReader;
  readonly #walk: Gate;
  /** All that were ever seen: ids are not given again. */
  #paths = new Map<number, string>();
  /** Those of the last walk. */
  #live = new Map<number, string>();
  #mount: string | undefined;

  constructor(reader: FileReader, now: Clock) {
    this.#reader = reader;
    this.#walk = new Gate(WALK_MS, now);
  }

  /** Path below the root, `/` for that; one that is gone is still told when it was seen before. */
  path(id: number): string | undefined {
    const known = this.#paths.get(id);
    if (known !== undefined || !this.#walk.pass()) return known;
    this.#list();
    return this.#paths.get(id);
  }

  ofProcess(pid: number): string | undefined {
    return cgroupOfProcess(this.#reader, pid);
  }

  /** The cgroup of --cgroup: a path with or without the mount point, a directory's name, or `id:N`. @throws UsageError */
  parse(text: string): CgroupRef {
    this.#list();
    if (/^id:\d{1,15}$/.test(text)) {
      const id = Number(text.slice('id:'.length));
      const path = this.#paths.get(id);
      if (path === undefined) throw unknown('cgroups', text, 'no cgroup with that id');
      return { id, level: levelOf(path) };
    }
    const mount = this.#mountPoint();
    if (mount === undefined) throw noMount('cgroups', text);
    const below = text.startsWith(`${mount}/`) || text === mount ? text.slice(mount.length) : text;
    const trimmed = below.replace(/\/+$/, '');
    const found = [...this.#live].filter(([, path]) =>
      below.startsWith('/') || below === ''
        ? path === (trimmed === '' ? '/' : trimmed)
        : path.endsWith(`/${trimmed}`),
    );
    return onlyOne('cgroups', text, found, () =>
      nearest(text, [...this.#paths.values()].map(below.startsWith('/') ? (path) => path : lastOf)),
    );
  }

  /** The container of --container: its id or the start of it, its name (LXC), or `pod:UID`. @throws UsageError */
  parseContainer(text: string): CgroupRef {
    this.#list();
    if (this.#mountPoint() === undefined) throw noMount('containers', text);
    const wanted = text.replace(/^(?!pod:)[a-z-]+:/, '');
    const matching = [...this.#live].filter(([, path]) => {
      const { id, pod } = containerOf(path);
      return text.startsWith('pod:')
        ? `pod:${pod ?? ''}`.startsWith(text) && pod !== undefined
        : id?.startsWith(wanted) === true;
    });
    // What a container has below itself is in it.
    const outermost = matching.filter(
      ([, path]) => !matching.some(([, other]) => path.startsWith(`${other}/`)),
    );
    return onlyOne('containers', text, outermost, () => []);
  }

  /** Where cgroup v2 is mounted. */
  #mountPoint(): string | undefined {
    if (this.#mount !== undefined) return this.#mount;
    const mounts = readText(this.#reader, '/proc/self/mountinfo') ?? '';
    for (const line of mounts.split('\n')) {
      const [before = '', after = ''] = line.split(' - ');
      if (!after.startsWith('cgroup2 ')) continue;
      const point = before.split(' ')[4];
      if (point !== undefined) return (this.#mount = point);
    }
    return undefined;
  }

  #list(): void {
    const mount = this.#mountPoint();
    if (mount === undefined) return;
    this.#live = new Map();
    const pending: (readonly [directory: string, depth: number])[] = [[mount, 0]];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [directory, depth] = next;
      const found = this.#reader.stat(directory);
      if (found === undefined) continue;
      this.#live.set(found.inode, directory.slice(mount.length) || '/');
      if (depth === DEPTH_LIMIT) continue;
      for (const name of this.#reader.readFolders(directory) ?? []) {
        pending.push([`${directory}/${name}`, depth + 1]);
      }
    }
    if (this.#paths.size + this.#live.size > KNOWN_LIMIT) this.#paths = new Map();
    for (const [id, path] of this.#live) this.#paths.set(id, path);
  }
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const levelOf = (path: string): number => path.split('/').filter((word) => word !== '').length;

function onlyOne(
  what: string,
  text: string,
  found: readonly (readonly [id: number, path: string])[],
  near: () => readonly string[],
): CgroupRef {
  const [first, second] = found;
  if (first !== undefined && second === undefined) {
    return { id: first[0], level: levelOf(first[1]) };
  }
  if (first === undefined) {
    const meant = near();
    throw unknown(what, text, 'no such one', meant.length > 0 ? meant.join(' or ') : undefined);
  }
  throw new UsageError(`choosing ${what}: ${text}: ${found.length} are meant`, {
    hint: `one of ${found
      .slice(0, 4)
      .map(([, path]) => path)
      .join(', ')}`,
  });
}

function unknown(what: string, text: string, why: string, near?: string): UsageError {
  return new UsageError(`choosing ${what}: ${text}: ${why}`, {
    hint:
      near === undefined
        ? 'systemd-cgls lists them; only those of cgroup v2 can be told apart in the kernel'
        : `did you mean ${near}?`,
  });
}

const noMount = (what: string, text: string): UsageError =>
  new UsageError(`choosing ${what}: ${text}: cgroup v2 is not mounted`, {
    hint: 'mount -t cgroup2 none DIRECTORY',
  });
