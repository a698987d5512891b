import type { TopRow, TopTable } from '../../records/top-table.ts';
import { topCell } from './cells.ts';

export interface TableSize {
  readonly columns: number;
  readonly rows: number;
}

const GAP = '  ';
/** A column is cut no narrower. */
const NARROWEST = 8;
const NUMBERS = ['packets/s', 'bytes/s', 'packets', 'bytes'] as const;

/**
 * The lines of a table: heading, rows, how much the rows are that have no place, sums.
 *
 * @param size of the terminal; undefined: every row in full
 */
export function topTableLines(table: TopTable, size: TableSize | undefined): readonly string[] {
  const { by, rows, other, all } = table;
  const fixed = 2 + (other === undefined ? 0 : 1);
  const room = size === undefined ? rows.length : Math.max(0, size.rows - fixed);
  // One line says how many there are more.
  const shown = rows.length <= room ? rows : rows.slice(0, Math.max(0, room - 1));
  const hidden = rows.slice(shown.length);

  const labels = by.map((dimension) => dimension as string);
  const body = shown.map((row) =>
    cells(
      row,
      by.map((each) => topCell(row.labels, each, by)),
    ),
  );
  const first = (text: string): string[] => by.map((_, i) => (i === 0 ? text : ''));
  const tail = [
    ...(hidden.length > 0 ? [cells(sumOf(hidden), first(moreText(hidden.length)))] : []),
    ...(other === undefined ? [] : [cells(other, first('other (no room)'))]),
    cells(all, first('all')),
  ];
  const grid = [[...NUMBERS, ...labels], ...body, ...tail];
  const widths = columnWidths(grid, size?.columns);
  return grid.map((line) =>
    line
      .map((cell, i) => align(cell, widths[i] ?? 0, i < NUMBERS.length))
      .join(GAP)
      .trimEnd()
      .slice(0, size?.columns),
  );
}

const moreText = (count: number): string => `${count} more row${count === 1 ? '' : 's'}`;

function cells(row: Omit<TopRow, 'labels'>, labels: readonly string[]): readonly string[] {
  const { packetRate, byteRate, packets, bytes } = row;
  return [rateText(packetRate), rateText(byteRate), String(packets), String(bytes), ...labels];
}

/** Tenths where they matter. */
export function rateText(rate: number): string {
  return rate < 10 && !Number.isInteger(rate) ? rate.toFixed(1) : String(Math.round(rate));
}

function sumOf(rows: readonly TopRow[]): Omit<TopRow, 'labels'> {
  const sum = { packets: 0, bytes: 0, packetRate: 0, byteRate: 0 };
  for (const row of rows) {
    sum.packets += row.packets;
    sum.bytes += row.bytes;
    sum.packetRate += row.packetRate;
    sum.byteRate += row.byteRate;
  }
  return sum;
}

/** As wide as what is in them; where that is too much the widest labels give way. */
function columnWidths(
  grid: readonly (readonly string[])[],
  columns: number | undefined,
): readonly number[] {
  const widths = (grid[0] ?? []).map((_, i) =>
    grid.reduce((width, line) => Math.max(width, (line[i] ?? '').length), 0),
  );
  if (columns === undefined) return widths;
  const gaps = GAP.length * (widths.length - 1);
  const total = widths.reduce((sum, width) => sum + width, gaps);
  for (let excess = total - columns; excess > 0; excess--) {
    const labels = widths.slice(NUMBERS.length);
    const widest = Math.max(...labels);
    if (widest <= NARROWEST) break;
    widths[NUMBERS.length + labels.indexOf(widest)] = widest - 1;
  }
  return widths;
}

function align(cell: string, width: number, right: boolean): string {
  if (right) return cell.padStart(width);
  return cell.length > width
    ? `${cell.slice(0, Math.max(0, width - 1))}\u2026`
    : cell.padEnd(width);
}
