import type { PacketRecord } from '../../records/record.ts';
import type { ByteStream, Sink } from '../sink.ts';
import { Gatherer, type Gathered, type GatherLimits } from './gatherer.ts';

export interface GatherOptions {
  readonly asked: readonly string[];
  readonly ends: readonly string[];
  readonly limits: GatherLimits;
  readonly format: (packet: Gathered) => string;
}

const SWEEP_MS = 25;

/** Writes a block for each packet, when it has ended or is waited for no longer. */
export class GatherSink implements Sink {
  readonly #stream: ByteStream;
  readonly #gatherer: Gatherer;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: ByteStream, { asked, ends, limits, format }: GatherOptions) {
    this.#stream = stream;
    this.#gatherer = new Gatherer(asked, ends, limits, (packet) => {
      stream.write(Buffer.from(format(packet)));
    });
  }

  write(record: PacketRecord): void {
    this.#gatherer.add(record, performance.now());
    // None while there is nothing to wait for.
    this.#timer ??= setInterval(() => {
      this.#sweep();
    }, SWEEP_MS).unref();
  }

  #sweep(): void {
    this.#gatherer.sweep(performance.now());
    if (!this.#gatherer.isEmpty) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  flush(): Promise<void> {
    return this.#stream.drained();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#gatherer.end();
    await this.#stream.end();
  }

  /** What the summary says. */
  notes(): readonly string[] {
    return this.#gatherer.notes();
  }
}
