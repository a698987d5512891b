import type { EventSections } from '../abi/decode.ts';
import type { Ring } from '../bpf/ring.ts';
import type { Sink } from '../output/sink.ts';
import { EventRecord } from '../records/event-record.ts';
import type { Names } from '../records/names.ts';
import type { Stacks } from '../records/stacks.ts';

/** Where the records go, and how full that way is. */
export interface PumpOutput {
  readonly sink: Sink;
  /** Bytes formatted that the operating system has not taken yet. */
  readonly pendingBytes: () => number;
  readonly error: () => (Error & { code?: string }) | undefined;
  readonly drained: () => Promise<void>;
}

export interface PumpOptions {
  /** Stop after so many records. */
  readonly count: number | undefined;
  /** As in MapSizes. */
  readonly sections: EventSections;
  /** Of --stack. */
  readonly stacks?: Stacks | undefined;
  /** Flush whenever the ring is empty: somebody is looking. */
  readonly interactive: boolean;
  readonly beforeBatch?: () => void;
}

/** Records per turn of the event loop: signals and timers wait no longer than these take. */
const BATCH = 1024;
/** Above this the reader waits for the output; the ring fills, and what it loses is counted. */
const HIGH_WATER_BYTES = 8 << 20;
/** Longest time that a record waits in a batch. */
const FLUSH_MS = 100;
/**
 * No burst of events fills a ring faster: what a processor's memory takes. While events come in, the ring is looked at as
 * seldom as that allows and not waited on: each time that the reader has caught up, the next event pays for waking it,
 * which costs more than the event, and the reader pays for each look.
 */
const BURST_BYTES_PER_MS = 4 << 20;
const LOOK_AGAIN_MS = { least: 1, most: 20 };

/**
 * How long a reader that has caught up lets events gather, milliseconds.
 *
 * @param ringBytes size of the ring
 */
export function lookAgainMs(ringBytes: number): number {
  const { least, most } = LOOK_AGAIN_MS;
  return Math.min(Math.max(Math.floor(ringBytes / BURST_BYTES_PER_MS), least), most);
}

/** Moves events from the ring to the sink, in batches, from the event loop. */
export class Pump {
  readonly #ring: Ring;
  readonly #record: EventRecord;
  readonly #output: PumpOutput;
  readonly #options: PumpOptions;
  readonly #written: number[];
  readonly #finished: () => void;
  readonly #lookAgainMs: number;
  #total = 0;
  #flushTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #nextTurn: NodeJS.Immediate | undefined;
  #watching = false;
  #stopped = false;
  #waiting = false;

  /** @param finished called once when the count is reached or the output failed */
  constructor(
    ring: Ring,
    names: Names,
    output: PumpOutput,
    options: PumpOptions,
    finished: () => void,
  ) {
    this.#ring = ring;
    this.#record = new EventRecord(ring.data, names, options.sections, options.stacks);
    this.#output = output;
    this.#options = options;
    this.#finished = finished;
    this.#lookAgainMs = lookAgainMs(ring.size);
    this.#written = names.hooks.map(() => 0);
  }

  /** Records handed to the sink, by hook. */
  get written(): readonly number[] {
    return this.#written;
  }

  start(): void {
    this.#watching = true;
    this.#ring.watch(() => {
      this.#turn();
    });
  }

  /** After this only drain() reads. */
  stop(): void {
    this.#stopped = true;
    this.#unwatch();
    this.#cancelTurn();
    clearTimeout(this.#flushTimer);
  }

  /** Reads what is in the ring now into the sink; the run is over and the links are gone. */
  async drain(): Promise<void> {
    while (this.#read() > 0 && !this.isDone) {
      if (this.#output.pendingBytes() > HIGH_WATER_BYTES) await this.#output.drained();
    }
  }

  /** The count is reached or the output failed: nothing more will be read. */
  get isDone(): boolean {
    const { count } = this.#options;
    return (count !== undefined && this.#total >= count) || this.#output.error() !== undefined;
  }

  #read(): number {
    // An output fails between turns, never in its write().
    if (this.isDone) return 0;
    const { count = Infinity, beforeBatch } = this.#options;
    const record = this.#record;
    const written = this.#written;
    const { sink } = this.#output;
    record.refresh();
    beforeBatch?.();
    const read = this.#ring.reader.drain(Math.min(BATCH, count - this.#total), (at, length) => {
      record.moveTo(at, length);
      sink.write(record);
      const hook = record.hookIndex;
      written[hook] = (written[hook] ?? 0) + 1;
    });
    this.#total += read;
    return read;
  }

  #turn(): void {
    if (this.#stopped || this.#waiting) return;
    const count = this.#read();
    if (this.isDone) {
      this.stop();
      this.#finished();
      return;
    }
    if (this.#output.pendingBytes() > HIGH_WATER_BYTES) {
      this.#waitForOutput();
      return;
    }
    if (count > 0) this.#scheduleFlush(count < BATCH);
    this.#scheduleTurn(count);
  }

  /** Waits for the next event, or looks again by itself while they come in. */
  #scheduleTurn(count: number): void {
    this.#cancelTurn();
    if (count === 0) {
      if (!this.#watching) this.start();
      return;
    }
    this.#unwatch();
    const turn = (): void => {
      this.#turn();
    };
    if (count < BATCH) this.#lookTimer = setTimeout(turn, this.#lookAgainMs);
    else this.#nextTurn = setImmediate(turn);
  }

  #cancelTurn(): void {
    clearTimeout(this.#lookTimer);
    clearImmediate(this.#nextTurn);
  }

  #unwatch(): void {
    this.#watching = false;
    this.#ring.unwatch();
  }

  #waitForOutput(): void {
    this.#waiting = true;
    this.#unwatch();
    void this.#output.drained().then(() => {
      this.#waiting = false;
      this.#turn();
    });
  }

  #scheduleFlush(caughtUp: boolean): void {
    if (this.#options.interactive && caughtUp) {
      void this.#output.sink.flush();
      return;
    }
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      void this.#output.sink.flush();
      if (this.#output.error() !== undefined) this.#turn();
    }, FLUSH_MS);
  }
}
