import { COUNTERS, type Counter } from '../abi/counters.ts';
import type { MapSpec } from '../abi/maps.ts';
import { FOLLOW_SIDES, ownerBytes, WHO_COUNTS, type RawOwner, type WhoCount } from '../abi/who.ts';
import { BpfMap } from '../bpf/map.ts';
import { Ring } from '../bpf/ring.ts';
import { SystemError } from '../errors.ts';
import { Disposer } from '../util/disposer.ts';
import { sumCounter, sumCounters, type KernelCounts } from './stats.ts';

/** include/uapi/linux/bpf.h */
const BPF_NOEXIST = 1;

/** Key or value of a map of 32-bit words. */
const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

/** The maps of a run (abi/maps.ts), by what is in them. */
export class SessionMaps implements Disposable {
  readonly ring: Ring;
  /** Descriptors, by the maps' names. */
  readonly fds: ReadonlyMap<string, number>;
  readonly #maps: ReadonlyMap<string, BpfMap>;
  readonly #possibleCpus: number;
  readonly #held = new Disposer();

  /** @throws PermissionError, SystemError */
  constructor(specs: readonly MapSpec[], possibleCpus: number) {
    this.#possibleCpus = possibleCpus;
    try {
      this.#maps = new Map(
        specs.map((spec) => [spec.name, this.#held.add(BpfMap.create(spec))] as const),
      );
      this.fds = new Map([...this.#maps].map(([name, map]) => [name, map.fd]));
      this.ring = this.#held.add(new Ring(this.#map('xcap_ring')));
    } catch (error) {
      this.#held[Symbol.dispose]();
      throw error;
    }
  }

  /** All counters of a hook, on all CPUs. */
  get #countsBytes(): number {
    return 8 * COUNTERS.length * this.#possibleCpus;
  }

  #map(name: string): BpfMap {
    const map = this.#maps.get(name);
    if (map === undefined) throw new RangeError(`no map ${name}`);
    return map;
  }

  /** What `xcap top` counts in. */
  get top(): BpfMap {
    return this.#map('xcap_top');
  }

  /** The counters of hook number `hook`, summed over CPUs. */
  counts(hook: number): KernelCounts {
    const value = this.#map('xcap_counts').lookup(hook, this.#countsBytes);
    return sumCounters(value, this.#possibleCpus);
  }

  /** The same of the first so many hooks. */
  allCounts(hooks: number): readonly KernelCounts[] {
    const bytes = this.#countsBytes;
    const values = this.#map('xcap_counts').lookupAll(hooks, bytes);
    return Array.from({ length: hooks }, (_, hook) =>
      sumCounters(values.subarray(hook * bytes, (hook + 1) * bytes), this.#possibleCpus),
    );
  }

  /** One counter of the first so many hooks, summed: for 1,500 a tenth of the work of allCounts(). */
  total(counter: Counter, hooks: number): number {
    return sumCounter(this.#map('xcap_counts').lookupAll(hooks, this.#countsBytes), counter);
  }

  /** At this hook one event in 2^level is looked at from now on; programs that cannot do that look at all. */
  setSampling(hook: number, level: number): void {
    this.#map('xcap_sampling').update(word(hook), word(2 ** level - 1));
  }

  /** Whether what matches from now on is followed. */
  setTracking(on: boolean): void {
    this.#map('xcap_tracking').update(word(0), word(on ? 1 : 0));
  }

  /** The addresses of a kernel stack, by its number; undefined when it is not there. */
  stack(id: number): Uint8Array | undefined {
    const map = this.#map('xcap_stacks');
    return map.find(word(id), map.spec.valueSize);
  }

  /** Of WHO_COUNTS. */
  whoCount(what: WhoCount): number {
    const bytes = this.#map('xcap_who_counts').lookup(WHO_COUNTS.indexOf(what), 8);
    return Number(new DataView(bytes.buffer).getBigUint64(0, true));
  }

  /** A socket, or a port, by the key of templates/include/who/owner.h; what is known already stays. False: there is no room. */
  putOwner(key: bigint, owner: RawOwner): boolean {
    try {
      const keyBytes = new Uint8Array(BigUint64Array.of(key).buffer);
      this.#map('xcap_owners').update(keyBytes, ownerBytes(owner), BPF_NOEXIST);
    } catch (error) {
      if (error instanceof SystemError && error.code === 'E2BIG') return false;
      if (!(error instanceof SystemError) || error.code !== 'EEXIST') throw error;
    }
    return true;
  }

  /** Puts a process on its side for --follow. */
  follow(pid: number, side: keyof typeof FOLLOW_SIDES): void {
    this.#map('xcap_followed').update(word(pid), word(FOLLOW_SIDES[side]));
  }

  /** How often tables of iptables-legacy have been replaced; undefined while one is. */
  ruleChanges(): bigint | undefined {
    const bytes = this.#map('xcap_changes').lookup(0, 16);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const [begun, done] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
    return begun === done ? done : undefined;
  }

  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]();
  }
}
