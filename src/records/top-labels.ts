import type { TopFlowKey, TopKey } from '../abi/decode-top.ts';
import { formatIpv4, formatIpv6 } from '../packet/address.ts';
import { ETHERTYPE } from '../packet/ethertypes.ts';
import type { Names } from './names.ts';
import type { CommonFields } from './record.ts';

type Named =
  | 'hook'
  | 'reason'
  | 'location'
  | 'iface'
  | 'ifindex'
  | 'netns'
  | 'netnsName'
  | 'netnsLabel'
  | 'comm'
  | 'context';

/** What the key of a row says, in words; what was not counted by, or is not known, is undefined. */
export type TopLabels = { readonly [K in Named]?: CommonFields[K] | undefined } & {
  readonly flow?: TopFlow | undefined;
};

/** A flow in the direction seen. */
export interface TopFlow {
  /** Undefined where nothing of the packet could be read. */
  readonly ethertype: number | undefined;
  /** Undefined for what is not IP. */
  readonly ip: TopIpFlow | undefined;
}

export interface TopIpFlow {
  /** IPPROTO_*. */
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** 0 for fragments and protocols without ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** @param before what a name was that may be gone by now */
export function topLabels(key: TopKey, names: Names, before: TopLabels = {}): TopLabels {
  const { hook, reason, location, netns, ifindex, ifname, comm, flow } = key;
  const inKsoftirqd = names.contextByStack && comm?.startsWith('ksoftirqd/') === true;
  const isKnown = netns !== undefined && netns !== 0;
  const netnsName = isKnown ? (names.netns(netns) ?? before.netnsName) : undefined;
  return {
    hook: hook === undefined ? undefined : (names.hooks[hook] ?? `hook ${hook}`),
    // 0 is no reason for a drop: SKB_NOT_DROPPED_YET.
    reason: reason === undefined || reason === 0 ? undefined : names.reason?.(reason),
    location: location === undefined || location === 0n ? undefined : names.location(location),
    ifindex: ifindex === 0 ? undefined : ifindex,
    iface: ifname === '' ? undefined : ifname,
    netns: isKnown ? netns : undefined,
    netnsName,
    netnsLabel: isKnown ? netnsLabel(netns, netnsName, names) : undefined,
    comm,
    context: inKsoftirqd ? 'softirq' : key.context,
    flow: flow === undefined ? undefined : flowLabels(flow),
  };
}

/** Nothing for the caller's own, also when it has a name. */
function netnsLabel(netns: number, name: string | undefined, names: Names): string | undefined {
  const now = names.netnsLabel(netns);
  return now === undefined ? undefined : (name ?? now);
}

function flowLabels(flow: TopFlowKey): TopFlow {
  const { ethertype } = flow;
  if (ethertype === 0) return { ethertype: undefined, ip: undefined };
  if (ethertype !== ETHERTYPE.ipv4 && ethertype !== ETHERTYPE.ipv6) {
    return { ethertype, ip: undefined };
  }
  const format = ethertype === ETHERTYPE.ipv4 ? formatIpv4 : formatIpv6;
  // Its header could not be read: protocol 0 has addresses too.
  if (flow.protocol === 0 && flow.source.every((byte) => byte === 0)) {
    return { ethertype, ip: undefined };
  }
  return {
    ethertype,
    ip: {
      protocol: flow.protocol,
      source: format(flow.source, 0),
      destination: format(flow.destination, 0),
      sourcePort: flow.sourcePort,
      destinationPort: flow.destinationPort,
    },
  };
}
