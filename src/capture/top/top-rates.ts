import type { TopDimension } from '../../abi/top.ts';
import type { Names } from '../../records/names.ts';
import { topLabels, type TopLabels } from '../../records/top-labels.ts';
import type { TopRow, TopTable } from '../../records/top-table.ts';
import type { TopCount, TopReading } from './top-counts.ts';

/** When a reading was made. */
export interface TopMoment {
  /** Nanoseconds since the Unix epoch. */
  readonly timeNs: bigint;
  /** What the rates are of: since the reading before, or, of the last table, since the start. */
  readonly seconds: number;
}

const NOTHING: TopCount = { packets: 0, bytes: 0 };

/** Makes tables of readings: what came since the one before, by rows with names. */
export class TopRates {
  readonly #by: readonly TopDimension[];
  readonly #names: Names;
  #before: ReadonlyMap<string, TopCount> = new Map();
  readonly #labels = new Map<string, TopLabels>();

  constructor(by: readonly TopDimension[], names: Names) {
    this.#by = by;
    this.#names = names;
  }

  /** What came since the last call: of rows that were added to, or of every one. */
  interval(readings: readonly TopReading[], moment: TopMoment, rows: 'moved' | 'all'): TopTable {
    const before = this.#before;
    this.#before = new Map(readings.map((reading) => [reading.id, reading]));
    return this.#table(readings, before, moment, { final: false, still: rows === 'all' });
  }

  /** All rows, with the rates of the whole run. */
  total(readings: readonly TopReading[], moment: TopMoment): TopTable {
    return this.#table(readings, new Map(), moment, { final: true, still: true });
  }

  #table(
    readings: readonly TopReading[],
    before: ReadonlyMap<string, TopCount>,
    moment: TopMoment,
    { final, still }: { readonly final: boolean; readonly still: boolean },
  ): TopTable {
    const rowOf = (labels: TopLabels, now: TopCount, then: TopCount): TopRow => ({
      labels,
      packets: now.packets,
      bytes: now.bytes,
      packetRate: (now.packets - then.packets) / moment.seconds,
      byteRate: (now.bytes - then.bytes) / moment.seconds,
    });
    const moved = ({ id, packets }: TopReading): boolean =>
      packets !== (before.get(id) ?? NOTHING).packets;
    const rows = readings
      .filter((reading) => !reading.key.other && (still || moved(reading)))
      .map((reading) =>
        rowOf(
          this.#labelsOf(reading, !final && moved(reading)),
          reading,
          before.get(reading.id) ?? NOTHING,
        ),
      )
      .sort(byRateThenTotal);
    const other = readings.find(({ key, packets }) => key.other && packets > 0);
    const sums = addUp(readings);
    return {
      by: this.#by,
      final,
      timeNs: moment.timeNs,
      seconds: moment.seconds,
      rows,
      other: other && rowOf({}, other, before.get(other.id) ?? NOTHING),
      all: rowOf({}, sums, addUp([...before.values()])),
    };
  }

  /** Asked for anew while the row is added to: a namespace gets a name, and is gone with it. */
  #labelsOf({ id, key }: TopReading, anew: boolean): TopLabels {
    const known = this.#labels.get(id);
    if (known !== undefined && !anew) return known;
    const labels = topLabels(key, this.#names, known);
    this.#labels.set(id, labels);
    return labels;
  }
}

/** What comes fastest is at the top; of rows that come to the same the older order stays. */
function byRateThenTotal(a: TopRow, b: TopRow): number {
  return b.packetRate - a.packetRate || b.packets - a.packets || b.bytes - a.bytes;
}

function addUp(counts: readonly TopCount[]): TopCount {
  let packets = 0;
  let bytes = 0;
  for (const count of counts) {
    packets += count.packets;
    bytes += count.bytes;
  }
  return { packets, bytes };
}
