import type { PacketRecord } from '../records/record.ts';
import type { HookStats, Sink } from './sink.ts';

/** Several sinks as one. */
export class TeeSink implements Sink {
  readonly #sinks: readonly Sink[];

  constructor(sinks: readonly Sink[]) {
    this.#sinks = sinks;
  }

  write(record: PacketRecord): void {
    for (const sink of this.#sinks) sink.write(record);
  }

  async flush(): Promise<void> {
    await settleAll(this.#sinks.map((sink) => sink.flush()));
  }

  /** Closes every sink, also when one fails. */
  async close(stats: readonly HookStats[]): Promise<void> {
    await settleAll(this.#sinks.map((sink) => sink.close(stats)));
  }
}

/** Waits for all, then throws what the first of them to fail threw. */
async function settleAll(promises: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === 'rejected') throw result.reason;
  }
}
