import { type Clock, Gate, monotonicClock } from '../kernel/gate.ts';

const RENEW_MS = 50;

/**
 * Lost events by hook, for outputs that ask at each record: each reading is a system call, and so, on some machines, is
 * looking at the clock.
 */
export class LostCounts {
  readonly #read: (hook: string) => number;
  readonly #known = new Map<string, number>();
  readonly #renew: Gate;

  /** @param read events lost so far at a hook */
  constructor(read: (hook: string) => number, now: Clock = monotonicClock) {
    this.#read = read;
    this.#renew = new Gate(RENEW_MS, now);
  }

  /** Before a batch of records: counts are read again now and then. */
  renew(): void {
    if (this.#renew.pass()) this.#known.clear();
  }

  /** Events lost so far at a hook, as of some time ago. */
  of(hook: string): number {
    let lost = this.#known.get(hook);
    if (lost === undefined) {
      lost = this.#read(hook);
      this.#known.set(hook, lost);
    }
    return lost;
  }
}
