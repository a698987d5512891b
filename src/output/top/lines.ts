import type { TopDimension } from '../../abi/top.ts';
import type { TopLabels } from '../../records/top-labels.ts';
import type { TopRow, TopTable } from '../../records/top-table.ts';
import { quoteValue } from '../comment.ts';
import { ethertypeText, protocolText } from './cells.ts';
import { rateText } from './table.ts';

/**
 * A line for each row that an interval added to, in words of `key=value` as in pcapng comments:
 * `TIME packets/s=10 bytes/s=840 packets=30 bytes=2520 reason=NO_SOCKET`. Those of a whole run begin with
 * `total`, those of all rows end in `all`.
 *
 * @param time of an interval, its blank included
 */
export function topLines(table: TopTable, time: string): string {
  const head = table.final ? 'total ' : time;
  const { rows, other, all } = table;
  return [
    ...rows.map((row) => head + numbers(row) + words(row.labels, table.by)),
    ...(other === undefined ? [] : [`${head}${numbers(other)} other`]),
    `${head}${numbers(all)} all`,
    '',
  ].join('\n');
}

function numbers({ packetRate, byteRate, packets, bytes }: TopRow): string {
  return `packets/s=${rateText(packetRate)} bytes/s=${rateText(byteRate)} packets=${packets} bytes=${bytes}`;
}

function words(labels: TopLabels, by: readonly TopDimension[]): string {
  const { flow } = labels;
  const of = (dimension: TopDimension, key: string, value: string | number | undefined): string =>
    value === undefined || !by.includes(dimension) ? '' : ` ${key}=${quoteValue(String(value))}`;
  const network = by.includes('netns') ? 'netns' : 'iface';
  return (
    of('hook', 'hook', labels.hook) +
    of('reason', 'reason', labels.reason) +
    of('location', 'location', labels.location) +
    of('iface', 'iface', labels.iface) +
    of('iface', 'ifindex', labels.ifindex) +
    of(network, 'netns', labels.netns) +
    of(network, 'netns_name', labels.netnsName) +
    of('comm', 'comm', labels.comm) +
    of('comm', 'context', labels.context) +
    (flow?.ethertype === undefined
      ? ''
      : flow.ip === undefined
        ? of('flow', 'proto', ethertypeText(flow.ethertype))
        : of('flow', 'proto', protocolText(flow.ip.protocol)) +
          of('flow', 'src', flow.ip.source) +
          of('flow', 'sport', flow.ip.sourcePort) +
          of('flow', 'dst', flow.ip.destination) +
          of('flow', 'dport', flow.ip.destinationPort))
  );
}
