import { COUNTERS } from '../../abi/counters.ts';
import { countPossibleCpus } from '../../kernel/possible-cpus.ts';
import { liveReader } from '../../kernel/reader.ts';
import { wholeLinesLength } from '../../output/json.ts';
import { openOutput, STDOUT, type OutputStream } from '../../output/stream.ts';
import { TimestampFormatter } from '../../output/timestamp.ts';
import { topJsonLines } from '../../output/top/json.ts';
import { topLines } from '../../output/top/lines.ts';
import { Screen } from '../../output/top/screen.ts';
import { topTableLines } from '../../output/top/table.ts';
import type { Names } from '../../records/names.ts';
import type { TopTable } from '../../records/top-table.ts';
import type { CaptureIo, CaptureOptions } from '../options.ts';
import type { Session } from '../session.ts';
import type { TopPlan } from './plan-top.ts';
import { TopCounts, type TopReading } from './top-counts.ts';
import { TopRates, type TopMoment } from './top-rates.ts';

const SUBMITTED = COUNTERS.indexOf('submitted');
/** Above this the reader of standard output is behind: an interval is left out, and the next is longer. */
const HIGH_WATER_BYTES = 1 << 20;
const SETTLE_ATTEMPTS = 20;
const SETTLE_MS = 2;

/** Reads the counts of `xcap top` every interval, and prints what they say. */
export class TopCapture {
  readonly #options: CaptureOptions;
  readonly #io: CaptureIo;
  readonly #names: Names;
  readonly #plan: TopPlan;
  readonly #session: Session;
  readonly #stream: OutputStream;
  readonly #counts: TopCounts;
  readonly #rates: TopRates;
  readonly #screen: Screen | undefined;
  readonly #time: TimestampFormatter;
  readonly #notes: string[] = [];

  private constructor(
    options: CaptureOptions,
    io: CaptureIo,
    names: Names,
    plan: TopPlan,
    session: Session,
    stream: OutputStream,
  ) {
    this.#options = options;
    this.#io = io;
    this.#names = names;
    this.#plan = plan;
    this.#session = session;
    this.#stream = stream;
    this.#counts = new TopCounts(session.maps.top, plan.by, countPossibleCpus(liveReader));
    this.#rates = new TopRates(plan.by, names);
    this.#screen = options.top?.live === true ? new Screen() : undefined;
    this.#time = new TimestampFormatter({ style: options.text.time, utc: options.text.utc });
  }

  /** Before anything is attached. @throws OutputError, SystemError */
  static async open(
    options: CaptureOptions,
    io: CaptureIo,
    names: Names,
    plan: TopPlan,
    session: Session,
  ): Promise<TopCapture> {
    const stream = await openOutput(
      { ...STDOUT, fd: io.stdout.fd },
      { binary: false, wholeLength: wholeLinesLength, signal: io.abort },
    );
    try {
      return new TopCapture(options, io, names, plan, session, stream);
    } catch (error) {
      stream.abandon();
      throw error;
    }
  }

  /**
   * Prints until told to end; then detaches, and prints the sums.
   *
   * @param startedAt by performance.now(), when the last hook was attached
   */
  async run(startedAt: number): Promise<void> {
    await this.#tellIntervals(startedAt);
    this.#session.detach();
    const readings = await this.#settle();
    this.#print(this.#rates.total(readings, this.#momentSince(startedAt)));
    await this.#stream.end();
  }

  async #tellIntervals(startedAt: number): Promise<void> {
    const { durationNs, top } = this.#options;
    const { abort } = this.#io;
    let toldAt = startedAt;
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const tell = (): void => {
      if (this.#stream.error !== undefined) {
        finish();
        return;
      }
      if (this.#stream.pendingBytes > HIGH_WATER_BYTES) return;
      const moment = this.#momentSince(toldAt);
      toldAt = performance.now();
      const rows = this.#screen === undefined ? 'moved' : 'all';
      this.#print(this.#rates.interval(this.#counts.read(), moment, rows));
    };
    const ticker = setInterval(tell, top?.intervalMs);
    const timer =
      durationNs === undefined ? undefined : setTimeout(finish, Number(durationNs) / 1e6);
    abort.addEventListener('abort', finish, { once: true });
    try {
      if (!abort.aborted) await finished;
    } finally {
      clearInterval(ticker);
      clearTimeout(timer);
      abort.removeEventListener('abort', finish);
    }
  }

  #momentSince(at: number): TopMoment {
    return {
      timeNs: process.hrtime.bigint() + this.#names.clockOffsetNs(),
      seconds: Math.max(1e-3, (performance.now() - at) / 1000),
    };
  }

  /** A program may still be running when the link is gone: its row is added to before its count. */
  async #settle(): Promise<readonly TopReading[]> {
    for (let attempt = 1; ; attempt++) {
      const readings = this.#counts.read();
      const inRows = readings.reduce((sum, { packets }) => sum + packets, 0);
      const ended = this.#endedEvents();
      if (inRows === ended && attempt > 1) return readings;
      if (attempt === SETTLE_ATTEMPTS) {
        if (inRows !== ended) {
          this.#notes.push(`rows have ${inRows} packets, the counters ${ended}: a bug`);
        }
        return readings;
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
  }

  #endedEvents(): number {
    const { maps } = this.#session;
    const { length } = this.#names.hooks;
    return maps.total('submitted', length) + maps.total('lost', length);
  }

  /** Events in rows of their own, by hook. */
  counted(hooks: number): readonly number[] {
    return this.#session.maps.allCounts(hooks).map((counts) => counts[SUBMITTED] ?? 0);
  }

  #print(table: TopTable): void {
    if (table.final && table.other !== undefined) {
      this.#notes.push(
        `${table.other.packets} packets are in 'other': all ${this.#plan.rows} rows were taken; --max-rows ${2 * this.#plan.rows}`,
      );
    }
    this.#stream.write(Buffer.from(this.#format(table)));
  }

  #format(table: TopTable): string {
    const { format } = this.#options;
    if (format === 'json') return topJsonLines(table);
    if (this.#screen === undefined) return topLines(table, this.#time.format(table.timeNs));
    const size = this.#io.stdout.size?.() ?? { columns: 80, rows: 24 };
    // A line for the title, and one where the cursor is.
    const lines = topTableLines(table, { columns: size.columns, rows: size.rows - 2 });
    const seconds = table.seconds.toFixed(1);
    const title = table.final
      ? `all of ${seconds} s`
      : `${this.#time.format(table.timeNs).slice(0, 8)}  the last ${seconds} s`;
    return this.#screen.redraw([title, ...lines]);
  }

  /** What the summary says of the rows. */
  notes(): readonly string[] {
    return this.#notes;
  }

  error(): OutputStream['error'] {
    return this.#stream.error;
  }

  /** Closes at once, whatever is pending; does nothing after run(). */
  abandon(): void {
    this.#stream.abandon();
  }
}
