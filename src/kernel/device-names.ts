import { type Clock, Gate, monotonicClock } from './gate.ts';
import { listLinksByIp, type ListLinks } from './links.ts';
import type { NetnsNames } from './netns.ts';

const RELIST_MS = 1000;

interface Listed {
  readonly gate: Gate;
  names: ReadonlyMap<number, string>;
}

/** Names of devices by number, where an event has the number only: listed when one is not known. */
export class DeviceNames {
  readonly #netns: Pick<NetnsNames, 'own' | 'path'>;
  readonly #listLinks: ListLinks;
  readonly #now: Clock;
  readonly #listed = new Map<number, Listed>();

  constructor(
    netns: Pick<NetnsNames, 'own' | 'path'>,
    listLinks: ListLinks = listLinksByIp,
    now = monotonicClock,
  ) {
    this.#netns = netns;
    this.#listLinks = listLinks;
    this.#now = now;
  }

  /** Undefined when the namespace cannot be entered, or has no such device (any more). */
  name(netns: number, ifindex: number): string | undefined {
    let listed = this.#listed.get(netns);
    if (listed === undefined) {
      listed = { gate: new Gate(RELIST_MS, this.#now), names: new Map() };
      this.#listed.set(netns, listed);
    }
    if (!listed.names.has(ifindex) && listed.gate.pass()) listed.names = this.#list(netns);
    return listed.names.get(ifindex);
  }

  #list(netns: number): ReadonlyMap<number, string> {
    const own = netns === this.#netns.own;
    const path = this.#netns.path(netns);
    if (path === undefined) return new Map();
    try {
      const links = this.#listLinks(own ? undefined : path);
      return new Map(links.map(({ ifindex, name }) => [ifindex, name]));
    } catch {
      // A namespace that is just going: the number has to do.
      return new Map();
    }
  }
}
