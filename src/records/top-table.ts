import type { TopDimension } from '../abi/top.ts';
import type { TopLabels } from './top-labels.ts';

/** One row: the sums since the start, and what there was a second. */
export interface TopRow {
  readonly labels: TopLabels;
  readonly packets: number;
  readonly bytes: number;
  /** Of the interval; at the end of the whole run. */
  readonly packetRate: number;
  readonly byteRate: number;
}

/** What one reading of the counts says. */
export interface TopTable {
  readonly by: readonly TopDimension[];
  /** The rows of a whole run, not what an interval added. */
  readonly final: boolean;
  /** Nanoseconds since the Unix epoch. */
  readonly timeNs: bigint;
  /** What the rates are of. */
  readonly seconds: number;
  /** The highest rate first, then the highest count. */
  readonly rows: readonly TopRow[];
  /** What had no room for a row; undefined: nothing. */
  readonly other: TopRow | undefined;
  readonly all: TopRow;
}
