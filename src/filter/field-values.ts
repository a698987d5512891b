/** How the values of a field are told. */
export type Kind = 'ethertype' | 'protocol' | 'ppp' | 'number' | 'address' | 'fragment' | 'vlan';

const named =
  (names: ReadonlyMap<number, string>) =>
  (value: number): string | undefined =>
    names.get(value);

const ETHERTYPES: ReadonlyMap<number, string> = new Map([
  [0x0800, 'IPv4'],
  [0x0806, 'ARP'],
  [0x8035, 'RARP'],
  [0x8100, 'VLAN tag (802.1Q)'],
  [0x86dd, 'IPv6'],
  [0x8847, 'MPLS'],
  [0x8848, 'MPLS multicast'],
  [0x8863, 'PPPoE discovery'],
  [0x8864, 'PPPoE session'],
  [0x88a8, 'VLAN tag (802.1ad)'],
  [0x9100, 'VLAN tag (old QinQ)'],
]);
const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [0, 'hop-by-hop options'],
  [1, 'ICMP'],
  [2, 'IGMP'],
  [4, 'IP in IP'],
  [6, 'TCP'],
  [17, 'UDP'],
  [41, 'IPv6 in IP'],
  [43, 'routing header'],
  [44, 'fragment header'],
  [47, 'GRE'],
  [50, 'ESP'],
  [51, 'AH'],
  [58, 'ICMPv6'],
  [60, 'destination options'],
  [132, 'SCTP'],
]);

/** Four bytes as a dotted address. */
export const address4 = (value: number): string =>
  [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');

export const MEANINGS: Readonly<Record<Kind, (value: number) => string | undefined>> = {
  ethertype: (value) =>
    ETHERTYPES.get(value) ?? (value <= 1500 ? 'an 802.3 length up to here' : undefined),
  protocol: named(PROTOCOLS),
  ppp: named(
    new Map([
      [0x21, 'IPv4'],
      [0x57, 'IPv6'],
    ]),
  ),
  number: (value) => String(value),
  address: address4,
  fragment: (value) =>
    value === 0x1fff
      ? 'any bit: not the first fragment'
      : value === 0x3fff
        ? 'any bit: a fragment'
        : undefined,
  vlan: (value) => String(value),
};
