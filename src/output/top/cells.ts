import type { TopDimension } from '../../abi/top.ts';
import { ETHERTYPE_NAMES } from '../../packet/ethertypes.ts';
import { PROTOCOL_NAMES } from '../../packet/protocols.ts';
import type { TopFlow, TopLabels } from '../../records/top-labels.ts';
import { escapeText } from '../../util/escape.ts';

/** What a row of a table has in the column of a dimension: one that is not known is `-`. */
export function topCell(
  labels: TopLabels,
  dimension: TopDimension,
  by: readonly TopDimension[],
): string {
  switch (dimension) {
    case 'hook':
    case 'reason':
    case 'location':
      return escapeText(labels[dimension] ?? '-');
    case 'iface': {
      const name = escapeText(labels.iface ?? '?');
      const at = by.includes('netns') ? undefined : labels.netnsLabel;
      return at === undefined ? name : `${name}@${escapeText(at)}`;
    }
    case 'netns':
      return netnsText(labels);
    case 'comm':
      return taskText(labels);
    case 'flow':
      return flowText(labels.flow);
  }
}

/** The caller's own as --netns takes it, unless it has a name. */
function netnsText({ netns, netnsName, netnsLabel }: TopLabels): string {
  if (netns === undefined) return '-';
  return escapeText(netnsName ?? netnsLabel ?? 'self');
}

/** As in a packet's line: outside process context the task is named, not blamed. */
function taskText({ comm = '?', context }: TopLabels): string {
  const name = escapeText(comm);
  return context === 'process' ? name : `${context ?? '?'}(${name})`;
}

/** `UDP 10.0.0.1.4242 > 10.0.0.2.9`, as tcpdump writes ports; what is not IP by its EtherType. */
function flowText(flow: TopFlow | undefined): string {
  if (flow?.ethertype === undefined) return '-';
  if (flow.ip === undefined) return ethertypeText(flow.ethertype);
  const { protocol, source, destination, sourcePort, destinationPort } = flow.ip;
  const hasPorts = sourcePort !== 0 || destinationPort !== 0;
  const end = (address: string, port: number): string =>
    hasPorts ? `${address}.${port}` : address;
  return `${protocolText(protocol)} ${end(source, sourcePort)} > ${end(destination, destinationPort)}`;
}

/** ETH_P_802_2 of include/uapi/linux/if_ether.h: a length in the place of a type. */
const IEEE_802_2 = 4;

export function ethertypeText(ethertype: number): string {
  if (ethertype === IEEE_802_2) return 'LLC';
  return ETHERTYPE_NAMES[ethertype] ?? `0x${ethertype.toString(16).padStart(4, '0')}`;
}

export function protocolText(protocol: number): string {
  return PROTOCOL_NAMES[protocol] ?? `protocol-${protocol}`;
}
