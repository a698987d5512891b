/** Packets by hand: every header combination that the expressions of expressions.ts tell apart. */

export interface Packet {
  readonly name: string;
  readonly bytes: Uint8Array;
}

type Bytes = readonly number[];

const u16 = (value: number): Bytes => [(value >> 8) & 0xff, value & 0xff];
const u32 = (value: number): Bytes => [...u16(value >>> 16), ...u16(value & 0xffff)];
const zeros = (count: number): Bytes => new Array<number>(count).fill(0);
const count = (length: number): Bytes => Array.from({ length }, (_, i) => i & 0xff);

const MAC1: Bytes = [2, 0, 0, 0, 0, 1];
const MAC2: Bytes = [2, 0, 0, 0, 0, 2];
const BROADCAST: Bytes = [255, 255, 255, 255, 255, 255];
const A1: Bytes = [10, 9, 0, 1];
const A2: Bytes = [10, 9, 0, 2];
const OTHER: Bytes = [192, 168, 7, 9];
const ip6 = (last: number): Bytes => [0x20, 0x01, 0x0d, 0xb8, ...zeros(11), last];
const LINK_LOCAL: Bytes = [0xfe, 0x80, ...zeros(13), 9];

const ether = (type: number, payload: Bytes, dst = MAC2, src = MAC1): Bytes => [
  ...dst,
  ...src,
  ...u16(type),
  ...payload,
];

interface Ipv4Options {
  readonly src?: Bytes;
  readonly dst?: Bytes;
  readonly options?: Bytes;
  readonly fragment?: number;
  readonly ttl?: number;
}

function ipv4(protocol: number, payload: Bytes, with_: Ipv4Options = {}): Bytes {
  const { src = A1, dst = A2, options = [], fragment = 0, ttl = 64 } = with_;
  const length = 20 + options.length;
  const head = [
    0x40 | (length / 4),
    0,
    ...u16(length + payload.length),
    0x12,
    0x34,
    ...u16(fragment),
  ];
  return [...head, ttl, protocol, 0, 0, ...src, ...dst, ...options, ...payload];
}

const ipv6 = (next: number, payload: Bytes, src = ip6(1), dst = ip6(2)): Bytes => [
  ...[0x60, 0, 0, 0, ...u16(payload.length), next, 64],
  ...src,
  ...dst,
  ...payload,
];

const udp = (src: number, dst: number, data: Bytes): Bytes => [
  ...u16(src),
  ...u16(dst),
  ...u16(8 + data.length),
  ...u16(0),
  ...data,
];

const tcp = (
  src: number,
  dst: number,
  flags: number,
  data: Bytes = [],
  options: Bytes = [],
): Bytes => [
  ...[...u16(src), ...u16(dst), ...u32(0x01020304), ...u32(5)],
  ...[(5 + options.length / 4) << 4, flags, ...u16(1000), 0, 0, 0, 0],
  ...options,
  ...data,
];

const GET: Bytes = [0x47, 0x45, 0x54, 0x20, 0x2f];
const icmp: Bytes = [8, 0, 0xab, 0xcd, 0, 1, 0, 1, ...count(56)];
const icmp6: Bytes = [128, 0, 0, 0, 0, 1, 0, 1, ...count(24)];
const arp = (op: number): Bytes => [
  0,
  1,
  8,
  0,
  6,
  4,
  ...u16(op),
  ...MAC1,
  ...A1,
  ...zeros(6),
  ...A2,
];
const vlan = (tag: number, type: number, payload: Bytes): Bytes => [
  ...u16(tag),
  ...u16(type),
  ...payload,
];
const mpls = (label: number, bottom: boolean, payload: Bytes): Bytes => [
  ...u32(((label << 12) | (bottom ? 0x100 : 0) | 64) >>> 0),
  ...payload,
];
const pppoe = (code: number, session: number, ppp: Bytes): Bytes => [
  ...[0x11, code, ...u16(session), ...u16(ppp.length)],
  ...ppp,
];
const geneve = (vni: number, type: number, options: Bytes, inner: Bytes): Bytes =>
  udp(5555, 6081, [options.length / 4, 0, ...u16(type), ...u32(vni << 8), ...options, ...inner]);
const llc = (sap: number, control: number): Bytes => [
  ...MAC2,
  ...MAC1,
  ...u16(20),
  ...[sap, sap, control, 0, ...count(16)],
];

const osi = (nlpid: number, pdu: number): Bytes => [
  ...llc(0xfe, 3).slice(0, 17),
  ...[nlpid, 27, 1, 0, pdu, ...count(20)],
];

const dns = udp(40000, 53, [1, 2, 3, 4, ...count(20)]);
const inIpv4: readonly (readonly [string, Bytes])[] = [
  ['icmp echo', ipv4(1, icmp)],
  ['icmp reply', ipv4(1, [0, ...icmp.slice(1)], { src: A2, dst: A1 })],
  ['icmp unreachable', ipv4(1, [3, 1, 0, 0, 0, 0, 0, 0, ...ipv4(17, dns)])],
  ['icmp with options', ipv4(1, icmp, { options: [7, 7, 4, 0, 0, 0, 0, 0] })],
  ['udp dns', ipv4(17, dns)],
  ['udp with 40 bytes of options', ipv4(17, dns, { options: count(40) })],
  ['udp fragment', ipv4(17, dns, { fragment: 185 })],
  ['udp first fragment', ipv4(17, dns, { fragment: 0x2000 })],
  ['udp long', ipv4(17, udp(53, 53, count(600)))],
  ['udp empty', ipv4(17, udp(9, 1500, []))],
  ['tcp syn', ipv4(6, tcp(50000, 80, 2, [], [2, 4, 5, 0xb4]))],
  ['tcp get', ipv4(6, tcp(80, 443, 0x18, GET, count(12)), { options: [1, 1, 1, 1] })],
  ['tcp get without options', ipv4(6, tcp(1234, 80, 0x18, GET))],
  [
    'tcp get behind the longest headers',
    ipv4(6, tcp(9, 80, 24, GET, count(40)), { options: count(40) }),
  ],
  ['tcp rst', ipv4(6, tcp(443, 22, 4), { src: OTHER, dst: A2, ttl: 1 })],
  ['tcp fragment', ipv4(6, tcp(80, 80, 2), { fragment: 0x4001 })],
  ['tcp synack', ipv4(6, tcp(22, 22, 18), { src: A2, dst: A2, ttl: 0 })],
  ['sctp', ipv4(132, [...u16(9), ...u16(9), ...zeros(8)])],
  ['gre', ipv4(47, [0, 0, 8, 0, ...ipv4(1, icmp)])],
  [
    'igmp',
    ipv4(2, [0x16, 0, 0, 0, 224, 0, 0, 251], { dst: [224, 0, 0, 22], options: [0x94, 4, 0, 0] }),
  ],
  ['pim', ipv4(103, zeros(8))],
  ['igrp', ipv4(9, zeros(8))],
  ['vrrp', ipv4(112, zeros(8), { dst: [224, 0, 0, 18], ttl: 255 })],
  ['ah', ipv4(51, [17, 4, 0, 0, ...zeros(20), ...dns])],
  ['esp', ipv4(50, zeros(24))],
  ['broadcast', ipv4(17, udp(68, 67, zeros(20)), { src: [0, 0, 0, 0], dst: [255, 255, 255, 255] })],
  ['geneve with an Ethernet frame', ipv4(17, geneve(5, 0x6558, [], ether(0x0800, ipv4(1, icmp))))],
  [
    'geneve with options and DNS',
    ipv4(17, geneve(6, 0x6558, count(8), ether(0x0800, ipv4(17, dns)))),
  ],
  [
    'geneve with IPv4',
    ipv4(17, geneve(5, 0x0800, [], ipv4(6, tcp(1, 80, 2))), { options: [1, 1, 1, 1] }),
  ],
  ['bad header length', [0x41, ...ipv4(6, tcp(80, 80, 2)).slice(1)]],
];
const inIpv6: readonly (readonly [string, Bytes])[] = [
  ['icmp6 echo', ipv6(58, icmp6)],
  ['tcp', ipv6(6, tcp(443, 50000, 2))],
  ['tcp to 443', ipv6(6, tcp(50000, 443, 16, GET))],
  ['udp dns', ipv6(17, dns, LINK_LOCAL)],
  [
    'hop-by-hop then icmp6',
    ipv6(0, [58, 0, 5, 2, 0, 0, 1, 0, ...icmp6], LINK_LOCAL, [0xff, 2, ...zeros(13), 22]),
  ],
  ['fragment of udp', ipv6(44, [17, 0, 0, 1, 0, 0, 0, 9, ...dns])],
  ['first fragment of tcp', ipv6(44, [6, 0, 0, 1, 0, 0, 0, 9, ...tcp(80, 80, 2)])],
  ['sctp', ipv6(132, [...u16(9), ...u16(9), ...zeros(8)])],
  ['geneve', ipv6(17, geneve(5, 0x6558, [], ether(0x0800, ipv4(17, dns))))],
  ['nothing behind it', ipv6(59, [])],
  ['ah then tcp', ipv6(51, [6, 4, ...zeros(22), ...tcp(443, 50000, 2)])],
];
/**
 * So many extension headers, then UDP. No AH: libpcap's loop goes on at the wrong place behind one
 * that is not the first (it forgets to add where the header stands).
 */
const chain = (headers: number): Bytes => {
  const kinds = [0, 60, 43, 44, 60, 43];
  const kindOf = (i: number): number => (i < headers ? (kinds[i % kinds.length] ?? 0) : 17);
  const parts = Array.from({ length: headers }, (_, i) => {
    // Counted in 8 bytes less 1; a fragment header has 0 there.
    const length = kindOf(i) === 44 ? 0 : i % 2;
    return [kindOf(i + 1), length, ...zeros(8 * length + 6)];
  });
  return ipv6(kindOf(0), [...parts.flat(), ...dns]);
};
/** IPv6 packets with so many extension headers. */
export const CHAINS: readonly (readonly [headers: number, packet: Packet])[] = Array.from(
  { length: 13 },
  (_, n) => [n, { name: `${n} headers`, bytes: Uint8Array.from(ether(0x86dd, chain(n))) }],
);
const onEthernet: readonly (readonly [string, Bytes])[] = [
  ['arp request', ether(0x0806, arp(1), BROADCAST)],
  ['arp reply', ether(0x0806, arp(2), MAC1, MAC2)],
  ['rarp', ether(0x8035, arp(3), BROADCAST)],
  ['lldp', ether(0x88cc, count(40), [1, 0x80, 0xc2, 0, 0, 14])],
  ['vlan 5 tcp', ether(0x8100, vlan(5, 0x0800, ipv4(6, tcp(50000, 80, 2))))],
  ['vlan 5 with priority, udp', ether(0x8100, vlan(0xe005, 0x0800, ipv4(17, dns)))],
  ['vlan 6 ip6', ether(0x8100, vlan(6, 0x86dd, ipv6(58, icmp6)))],
  ['two tags', ether(0x88a8, vlan(5, 0x8100, vlan(6, 0x0800, ipv4(1, icmp))))],
  ['two old tags', ether(0x8100, vlan(5, 0x8100, vlan(6, 0x0800, ipv4(1, icmp))))],
  ['mpls ip', ether(0x8847, mpls(100, true, ipv4(17, dns)))],
  ['mpls two labels', ether(0x8847, mpls(100, false, mpls(200, true, ipv4(6, tcp(80, 1, 2)))))],
  ['mpls ip6', ether(0x8847, mpls(100, true, ipv6(17, dns)))],
  ['pppoe discovery', ether(0x8863, pppoe(9, 0, [1, 1, 0, 0]))],
  ['pppoe session ip', ether(0x8864, pppoe(0, 7, [0, 0x21, ...ipv4(6, tcp(50000, 80, 2))]))],
  ['pppoe session ip6', ether(0x8864, pppoe(0, 8, [0, 0x57, ...ipv6(58, icmp6)]))],
  ['stp', llc(0x42, 3)],
  ['iso', llc(0xfe, 3)],
  ...[0x81, 0x82].map((nlpid) => [`osi ${nlpid}`, osi(nlpid, 0)] as const),
  ...[15, 16, 17, 18, 20, 24, 25, 26, 27].map((pdu) => [`isis ${pdu}`, osi(0x83, pdu)] as const),
  ['llc 3', llc(3, 3)],
  ['mopdl', ether(0x6001, count(30))],
  ['moprc', ether(0x6002, count(30))],
  ['sca', ether(0x6007, count(30))],
  ['padded to 60', [...ether(0x0800, ipv4(17, udp(1, 2, []))), ...zeros(18)]],
  ['ip6 to link-local', ether(0x86dd, ipv6(17, dns, ip6(1), LINK_LOCAL))],
  ['ipx in 802.3', [...MAC2, ...MAC1, ...u16(30), 0xff, 0xff, ...count(28)]],
  ['snap atalk', [...MAC2, ...MAC1, ...u16(30), 0xaa, 0xaa, 3, 8, 0, 7, 0x80, 0x9b, ...count(22)]],
  ['snap aarp', [...MAC2, ...MAC1, ...u16(30), 0xaa, 0xaa, 3, 0, 0, 0, 0x80, 0xf3, ...count(22)]],
  ['netbeui', llc(0xf0, 1)],
  ['llc information', llc(0x04, 0)],
  ['decnet', ether(0x6003, count(30))],
  ['lat', ether(0x6004, count(30))],
  ['zeros', zeros(310)],
  ['ones', new Array<number>(310).fill(255)],
  ['long frame', ether(0x1234, count(400))],
];

const named = ([name, bytes]: readonly [string, Bytes]): Packet => ({
  name,
  bytes: Uint8Array.from(bytes),
});

/** Packets for DLT_EN10MB. */
export const ETHERNET_PACKETS: readonly Packet[] = [
  ...inIpv4.map(([name, bytes]) => named([`ip: ${name}`, ether(0x0800, bytes)])),
  ...inIpv6.map(([name, bytes]) => named([`ip6: ${name}`, ether(0x86dd, bytes)])),
  ...onEthernet.map(named),
  ...[1, 2, 3, 5, 8].map((n) => named([`ip6: ${n} extension headers`, ether(0x86dd, chain(n))])),
];

/** Packets for DLT_RAW. */
export const IP_PACKETS: readonly Packet[] = [
  ...inIpv4.map(([name, bytes]) => named([`ip: ${name}`, bytes])),
  ...inIpv6.map(([name, bytes]) => named([`ip6: ${name}`, bytes])),
  named(['neither', [0x75, ...count(80)]]),
  ...[1, 4, 8].map((n) => named([`ip6: ${n} extension headers`, chain(n)])),
];

/** Lengths to cut a packet to: around the ends of headers and fields, and the whole. */
export function cuts(length: number): readonly number[] {
  const places = [0, 1, 9, 10, 13, 14, 15, 19, 20, 22, 23, 24, 25, 28, 30, 33, 34, 35, 36, 37, 38];
  places.push(
    40,
    42,
    43,
    46,
    47,
    48,
    50,
    54,
    55,
    56,
    58,
    62,
    66,
    70,
    75,
    82,
    99,
    120,
    202,
    255,
    256,
  );
  return [...new Set([...places, length - 1, length])].filter((at) => at >= 0 && at <= length);
}
