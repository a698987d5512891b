import type { TopLabels } from '../../records/top-labels.ts';
import type { TopRow, TopTable } from '../../records/top-table.ts';
import { asciiJson } from '../json.ts';

/** Goes up when a field's meaning changes or a field goes; new fields leave it as it is. */
const SCHEMA_VERSION = 1;

/** One object a line for each row, docs/top.md; the names are those of packets where there is one. */
export function topJsonLines(table: TopTable): string {
  const { final, timeNs, seconds, rows, other, all } = table;
  const head = {
    schema: SCHEMA_VERSION,
    time: String(timeNs),
    of: final ? 'run' : 'interval',
    seconds: thousandths(seconds),
  };
  const line = (kind: string, row: TopRow): string =>
    `${asciiJson({ ...head, row: kind, ...numbers(row), ...fields(row.labels) })}\n`;
  return [
    ...rows.map((row) => line('key', row)),
    ...(other === undefined ? [] : [line('other', other)]),
    line('all', all),
  ].join('');
}

const thousandths = (value: number): number => Math.round(value * 1000) / 1000;

function numbers({ packets, bytes, packetRate, byteRate }: TopRow): object {
  return {
    packets,
    bytes,
    packets_per_second: thousandths(packetRate),
    bytes_per_second: thousandths(byteRate),
  };
}

/** What is undefined JSON.stringify() leaves out. */
function fields(labels: TopLabels): object {
  const { hook, reason, location, iface, ifindex, netns, netnsName, comm, context, flow } = labels;
  return {
    ...{ hook, reason, location, iface, ifindex, netns, netns_name: netnsName, comm, context },
    ethertype: flow?.ethertype,
    proto: flow?.ip?.protocol,
    src: flow?.ip?.source,
    sport: flow?.ip?.sourcePort,
    dst: flow?.ip?.destination,
    dport: flow?.ip?.destinationPort,
  };
}
