import type { TopDimension } from '../../../../src/abi/top.ts';
import type { TopLabels } from '../../../../src/records/top-labels.ts';
import type { TopRow, TopTable } from '../../../../src/records/top-table.ts';

export function sampleRow(labels: TopLabels, packetRate: number, packets = packetRate): TopRow {
  return { labels, packets, bytes: 100 * packets, packetRate, byteRate: 100 * packetRate };
}

export function sampleTable(
  by: readonly TopDimension[],
  rows: readonly TopRow[],
  changes: Partial<TopTable> = {},
): TopTable {
  const sum = (of: keyof TopRow): number => rows.reduce((total, row) => total + Number(row[of]), 0);
  return {
    by,
    final: false,
    timeNs: 1_763_697_600_123_456_789n,
    seconds: 1,
    rows,
    other: undefined,
    all: {
      ...{ labels: {}, packets: sum('packets'), bytes: sum('bytes') },
      ...{ packetRate: sum('packetRate'), byteRate: sum('byteRate') },
    },
    ...changes,
  };
}

export const UDP_FLOW = {
  ethertype: 0x0800,
  ip: {
    ...{ protocol: 17, source: '10.0.0.1', destination: '10.0.0.2' },
    ...{ sourcePort: 4242, destinationPort: 9 },
  },
} as const;
