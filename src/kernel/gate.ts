/** Monotonic clock in milliseconds. */
export type Clock = () => number;

export const monotonicClock: Clock = () => performance.now();

/** Lets something costly happen at most once in an interval. */
export class Gate {
  readonly #intervalMs: number;
  readonly #now: Clock;
  #openedAt = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number, now: Clock) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** True once an interval; the caller then does the thing. */
  pass(): boolean {
    const now = this.#now();
    if (now - this.#openedAt < this.#intervalMs) return false;
    this.#openedAt = now;
    return true;
  }
}
