import {
  arp,
  bytes,
  ethernet,
  filler,
  hex,
  icmp,
  icmp6,
  ip4,
  ip6,
  ipv4,
  ipv6,
  mac,
  tcp,
  u16,
  u32,
  udp,
  vlan,
} from '../../support/packets.ts';
import type { Bytes, Ends, Ipv4Fields, Ipv6Fields } from '../../support/packets.ts';

export interface PacketCase {
  readonly name: string;
  readonly data: Uint8Array;
  /** Length on the wire when `data` was cut. */
  readonly wireLength?: number;
  /** Why tcpdump says something else: on purpose, so the differential test leaves the case out. */
  readonly differs?: string;
  /** With which flag it differs, when not with all. */
  readonly differsWith?: string;
}

/** Every difference is on purpose; what is listed here is what docs and reviewers have to know. */
const NO_APPLICATIONS = 'what TCP and UDP carry is not dissected, tunnels excepted';
const ONE_LINE = 'tcpdump breaks the line before the inner frame even without -v, or dumps bytes';
const UNKNOWN_PAYLOAD = 'a protocol without a printer here is named with its length';

const V6: Ends = { version: 6 };

function over4(payload: Bytes, fields: Ipv4Fields): Uint8Array {
  return ethernet(0x0800, ipv4(fields, payload));
}
function over6(payload: Bytes, fields: Ipv6Fields): Uint8Array {
  return ethernet(0x86dd, ipv6(fields, payload));
}
const tcp4 = (segment: Bytes, fields: Partial<Ipv4Fields> = {}): Uint8Array =>
  over4(segment, { protocol: 6, ...fields });
const udp4 = (datagram: Bytes, fields: Partial<Ipv4Fields> = {}): Uint8Array =>
  over4(datagram, { protocol: 17, ...fields });
const icmp4 = (message: Bytes, fields: Partial<Ipv4Fields> = {}): Uint8Array =>
  over4(message, { protocol: 1, ...fields });
const icmpv6 = (message: Bytes, fields: Partial<Ipv6Fields> = {}): Uint8Array =>
  over6(message, { next: 58, ...fields });

/** The connection of the TCP cases: client 10.0.0.1:40000, server 10.0.0.2:80. */
const CLIENT: Ends = { src: '10.0.0.1', dst: '10.0.0.2' };
const SERVER: Ends = { src: '10.0.0.2', dst: '10.0.0.1' };
const fromServer = { src: '10.0.0.2', dst: '10.0.0.1', protocol: 6 } as const;
const SYN_OPTIONS = bytes([2, 4], u16(1460), [4, 2, 8, 10], u32(111, 0), [1, 3, 3, 7]);
const quoted4 = ipv4({ protocol: 17, id: 7 }, udp({}, filler(8)));
const quotedTcp4 = ipv4({ protocol: 6, id: 7 }, tcp({ dport: 443, flags: 2 }));
const quoted6 = ipv6({ next: 17 }, udp({}, filler(8), V6));
const innerPing = ipv4(
  { src: '192.168.0.1', dst: '192.168.0.2', protocol: 1 },
  icmp(8, 0, bytes(u16(3, 1), filler(16))),
);
const innerFrame = ethernet(0x0800, innerPing, {
  src: '02:00:00:00:01:01',
  dst: '02:00:00:00:01:02',
});

function extension(next: number, options: Bytes): Uint8Array {
  return bytes([next, (2 + options.length) / 8 - 1], options);
}

const ARP: readonly PacketCase[] = [
  {
    name: 'arp request',
    data: ethernet(0x0806, arp({ operation: 1, sender: '10.0.0.1', target: '10.0.0.2' })),
  },
  {
    name: 'arp reply',
    data: ethernet(
      0x0806,
      arp({ operation: 2, sender: '10.0.0.2', target: '10.0.0.1', targetMac: '02:00:00:00:00:0b' }),
    ),
  },
  {
    name: 'arp gratuitous',
    data: ethernet(0x0806, arp({ operation: 1, sender: '10.0.0.1', target: '10.0.0.1' })),
  },
  {
    name: 'arp request to a known station, padded',
    data: ethernet(
      0x0806,
      bytes(
        arp({
          operation: 1,
          sender: '10.0.0.1',
          target: '10.0.0.2',
          targetMac: '02:00:00:00:00:0b',
        }),
        new Uint8Array(18),
      ),
    ),
  },
  {
    name: 'reverse arp',
    data: ethernet(0x8035, arp({ operation: 3, sender: '0.0.0.0', target: '0.0.0.0' })),
  },
  {
    name: 'arp inverse reply',
    data: ethernet(0x0806, arp({ operation: 9, sender: '10.0.0.2', target: '10.0.0.1' })),
  },
  {
    name: 'arp unknown operation',
    data: ethernet(0x0806, arp({ operation: 77, sender: '10.0.0.1', target: '10.0.0.2' })),
    differs: ONE_LINE,
  },
  {
    name: 'arp for something that is not IP',
    data: ethernet(0x0806, hex('0001 809b 06 04 0001 020000000001 00000001 000000000000 00000002')),
  },
];

const LINK: readonly PacketCase[] = [
  { name: 'vlan', data: ethernet(0x8100, vlan(10, 0x0800, innerPing)) },
  {
    name: 'vlan with priority and DEI',
    data: ethernet(
      0x8100,
      vlan(0xb00a, 0x0806, arp({ operation: 1, sender: '1.2.3.4', target: '1.2.3.5' })),
    ),
  },
  {
    name: 'QinQ',
    data: ethernet(0x88a8, vlan(0x6064, 0x8100, vlan(20, 0x86dd, quoted6))),
  },
  { name: 'vlan cut in the tag', data: ethernet(0x8100, [0]) },
  { name: 'unknown ethertype', data: ethernet(0x88b5, filler(46)) },
  { name: 'unknown ethertype in a vlan', data: ethernet(0x8100, vlan(5, 0x1234, filler(20))) },
  {
    name: 'LLDP',
    data: ethernet(0x88cc, hex('0207040200000000010402030405060200780000')),
    differs: UNKNOWN_PAYLOAD,
  },
  {
    name: 'spanning tree in 802.3',
    data: ethernet(
      38,
      hex(
        '424203 0000 00 00 00 8000020000000001 00000000 8000020000000001 8001 0000 1400 0200 0f00 0000000000000000',
      ),
      { dst: '01:80:c2:00:00:00' },
    ),
  },
  {
    name: 'SNAP with IP',
    data: ethernet(8 + innerPing.length, bytes(hex('aaaa03 000000 0800'), innerPing)),
  },
  {
    name: 'SNAP with an unknown type',
    data: ethernet(18, bytes(hex('aaaa03 000000 88b5'), filler(10))),
  },
  { name: 'SNAP of a vendor', data: ethernet(18, bytes(hex('aaaa03 00000c 2222'), filler(10))) },
  { name: 'LLC unnumbered', data: ethernet(13, bytes(hex('0404f3'), filler(10))) },
  { name: 'LLC supervisory', data: ethernet(4, hex('04050104')) },
  {
    name: 'LLC information between two SAPs',
    data: ethernet(14, bytes(hex('04080204'), filler(10))),
  },
  { name: 'LLC XID', data: ethernet(6, hex('0001af 810100')) },
  { name: 'ethernet header alone', data: ethernet(0x0800, []) },
  { name: 'ethernet header cut', data: ethernet(0x0800, []).subarray(0, 9), wireLength: 98 },
];

const IPV4: readonly PacketCase[] = [
  {
    name: 'ipv4 first fragment',
    data: udp4(udp({ length: 3000 }, filler(64)), { fragment: 0x2000, id: 99 }),
  },
  { name: 'ipv4 last fragment', data: udp4(filler(40), { fragment: 0x00b9, id: 99 }) },
  {
    name: 'ipv4 first fragment of TCP',
    data: tcp4(tcp({ dport: 9999, flags: 16, ack: 1 }, filler(12)), { fragment: 0x2000 }),
  },
  {
    name: 'ipv4 tos and ecn',
    data: icmp4(icmp(8, 0, u16(1, 1)), { tos: (0x2e << 2) | 1, fragment: 0x4000 }),
  },
  {
    name: 'ipv4 congestion experienced, ttl 0',
    data: icmp4(icmp(8, 0, u16(1, 1)), { tos: 3, ttl: 0, fragment: 0x8000 }),
  },
  { name: 'ipv4 bad checksum', data: icmp4(icmp(8, 0, u16(1, 1)), { checksum: 0x1234 }) },
  {
    name: 'ipv4 router alert',
    data: over4(hex('1600 0000 e0000005'), { protocol: 2, options: hex('94040000') }),
  },
  {
    name: 'ipv4 record route and loose source route',
    data: udp4(udp({}, filler(4)), {
      options: bytes(
        [7, 11, 8],
        ip4('1.2.3.4'),
        ip4('0.0.0.0'),
        [131, 7, 4],
        ip4('10.9.9.9'),
        [1, 0],
      ),
    }),
  },
  {
    name: 'ipv4 timestamps',
    data: udp4(udp({}, filler(4)), {
      options: bytes([68, 12, 9, 0x10], u32(1000, 0), [1, 99, 3, 7]),
    }),
  },
  {
    name: 'ipv4 option with a bad length',
    data: udp4(udp({}, filler(4)), { options: [7, 40, 4, 0] }),
  },
  { name: 'ipv4 payload missing', data: udp4(udp({}, filler(10)), { totalLength: 500 }) },
  {
    name: 'ipv4 length shorter than its header',
    data: udp4(udp({}, filler(10)), { totalLength: 10 }),
  },
  {
    name: 'ipv4 length zero',
    data: tcp4(tcp({ flags: 24, ack: 5, sport: 41000, dport: 9999 }, filler(10)), {
      totalLength: 0,
    }),
  },
  {
    name: 'ipv4 header length too short',
    data: ethernet(0x0800, hex('42000014000100004011000001020304010203050000')),
  },
  {
    name: 'ipv4 with another version',
    data: ethernet(0x0800, hex('52000014000100004011000001020304010203050000')),
  },
  { name: 'ipv6 announced as ipv4', data: ethernet(0x0800, quoted6) },
  { name: 'ipv4 with padding', data: ethernet(0x0800, bytes(innerPing, filler(12))) },
  { name: 'ipv4 protocol without a name', data: over4(filler(12), { protocol: 253 }) },
  { name: 'ipv4 OSPF', data: over4(filler(24), { protocol: 89 }), differs: UNKNOWN_PAYLOAD },
  { name: 'ipv4 ESP', data: over4(bytes(u32(0xabcd, 17), filler(40)), { protocol: 50 }) },
  {
    name: 'ipv4 AH with UDP',
    data: over4(bytes([17, 4, 0, 0], u32(0x101, 9), filler(12), udp({}, filler(3))), {
      protocol: 51,
    }),
  },
  { name: 'ipv4 IPComp', data: over4(bytes([6, 0], u16(2), filler(10)), { protocol: 108 }) },
  { name: 'ipv4 no next header', data: over4([], { protocol: 59 }) },
  { name: 'ipip', data: over4(innerPing, { protocol: 4 }) },
  { name: '6in4', data: over4(quoted6, { protocol: 41 }) },
  { name: 'icmpv6 in ipv4', data: over4(filler(8), { protocol: 58 }) },
];

const TCP: readonly PacketCase[] = [
  { name: 'tcp syn', data: tcp4(tcp({ flags: 2, seq: 1000, options: SYN_OPTIONS })) },
  {
    name: 'tcp syn ack',
    data: over4(
      tcp(
        { sport: 80, dport: 40000, flags: 18, seq: 5000, ack: 1001, options: SYN_OPTIONS },
        [],
        SERVER,
      ),
      fromServer,
    ),
  },
  { name: 'tcp ack', data: tcp4(tcp({ flags: 16, seq: 1001, ack: 5001 }, [], CLIENT)) },
  {
    name: 'tcp data with time stamps',
    data: tcp4(
      tcp(
        {
          sport: 40000,
          dport: 9999,
          flags: 24,
          seq: 1001,
          ack: 5001,
          options: bytes([1, 1, 8, 10], u32(112, 222)),
        },
        filler(100),
      ),
    ),
  },
  {
    name: 'tcp more data of the same connection',
    data: tcp4(tcp({ sport: 40000, dport: 9999, flags: 24, seq: 1101, ack: 5001 }, filler(7))),
  },
  {
    name: 'tcp selective acknowledgment',
    data: over4(
      tcp(
        {
          sport: 9999,
          dport: 40000,
          flags: 16,
          seq: 5001,
          ack: 1101,
          options: bytes([1, 1, 5, 10], u32(1201, 1301)),
        },
        [],
        SERVER,
      ),
      fromServer,
    ),
  },
  {
    name: 'tcp fin',
    data: tcp4(tcp({ sport: 40000, dport: 9999, flags: 17, seq: 1108, ack: 5001 })),
  },
  {
    name: 'tcp reset',
    data: over4(
      tcp({ sport: 80, dport: 40000, flags: 20, ack: 1001, seq: 0, window: 0 }, [], SERVER),
      fromServer,
    ),
  },
  {
    name: 'tcp reset with a reason',
    data: tcp4(tcp({ dport: 9998, flags: 4 }, Buffer.from('go \x1b[31m away\x7f\u00ff', 'latin1'))),
  },
  {
    name: 'tcp all flags and urgent',
    data: tcp4(tcp({ dport: 9997, flags: 255, ack: 9, urgent: 77 })),
  },
  { name: 'tcp no flags', data: tcp4(tcp({ dport: 9996, flags: 0 })) },
  {
    name: 'tcp rarer options',
    data: tcp4(
      tcp({
        dport: 9995,
        flags: 2,
        options: bytes(
          [34, 2, 34, 6, 1, 2, 3, 4, 28, 4],
          u16(0x8003),
          [254, 4, 0xf9, 0x89, 254, 4, 0xab, 0xcd, 20, 4, 1, 2, 77, 5, 1, 2, 3, 78, 2],
        ),
      }),
    ),
  },
  {
    name: 'tcp authentication option',
    data: tcp4(tcp({ dport: 9994, flags: 2, options: bytes([29, 16, 1, 2], filler(12)) })),
  },
  {
    name: 'tcp md5',
    data: tcp4(tcp({ dport: 9993, flags: 2, options: bytes([19, 18], filler(16)) })),
    differs: 'tcpdump says that it has no key',
  },
  {
    name: 'tcp multipath',
    data: tcp4(tcp({ dport: 9992, flags: 2, options: hex('1e0c 0081 0102030405060708') })),
    differs: 'only the subtype of MPTCP options is printed',
  },
  {
    name: 'tcp option with a bad length',
    data: tcp4(tcp({ dport: 9991, flags: 2, options: [2, 4, 5, 180, 3, 9, 7, 1] })),
  },
  {
    name: 'tcp first option bad',
    data: tcp4(tcp({ dport: 9990, flags: 2, options: [2, 0, 0, 0] })),
  },
  { name: 'tcp end of options', data: tcp4(tcp({ dport: 9989, flags: 2, options: [4, 2, 0, 9] })) },
  { name: 'tcp header too short', data: tcp4(tcp({ dport: 9988, flags: 2, dataOffset: 4 })) },
  {
    name: 'tcp header longer than the packet',
    data: tcp4(tcp({ dport: 9987, flags: 2, dataOffset: 15 })),
    differs: 'the length of tcpdump -q wraps around below zero',
    differsWith: '-q',
  },
  {
    name: 'tcp over ipv6',
    data: over6(tcp({ flags: 2, options: SYN_OPTIONS }, [], V6), { next: 6 }),
  },
  {
    name: 'tcp over ipv6 acknowledged',
    data: over6(tcp({ flags: 16, seq: 1001, ack: 77 }, [], V6), {
      next: 6,
      trafficClass: 0xb8,
      flowLabel: 0x12345,
    }),
  },
  {
    name: 'http',
    data: tcp4(tcp({ flags: 24, seq: 1001, ack: 5001 }, Buffer.from('GET / HTTP/1.1\r\n\r\n'))),
    differs: NO_APPLICATIONS,
  },
];

const UDP: readonly PacketCase[] = [
  { name: 'udp', data: udp4(udp({}, filler(11))) },
  { name: 'udp without a checksum', data: udp4(udp({ checksum: 0 }, filler(11))) },
  { name: 'udp with a bad checksum', data: udp4(udp({ checksum: 0x0bad }, filler(11))) },
  { name: 'udp empty', data: udp4(udp({})) },
  { name: 'udp longer than its packet', data: udp4(udp({ length: 200 }, filler(11))) },
  { name: 'udp length too short', data: udp4(udp({ length: 5 }, filler(11))) },
  { name: 'udp header cut by the ip length', data: udp4(udp({}).subarray(0, 6)) },
  { name: 'udp over ipv6', data: over6(udp({}, filler(11), V6), { next: 17 }) },
  {
    name: 'udp over ipv6 with a bad checksum',
    data: over6(udp({ checksum: 1 }, filler(11), V6), { next: 17 }),
  },
  {
    name: 'dns',
    data: udp4(udp({ dport: 53 }, hex('123401000001000000000000 0161 00 0001 0001'))),
    differs: NO_APPLICATIONS,
  },
];

const ICMP: readonly PacketCase[] = [
  { name: 'icmp echo request', data: icmp4(icmp(8, 0, bytes(u16(7, 1), filler(56)))) },
  { name: 'icmp echo reply', data: icmp4(icmp(0, 0, bytes(u16(7, 1), filler(56)))) },
  { name: 'icmp wrong checksum', data: icmp4(bytes([8, 0], u16(0x1111, 7, 1), filler(4))) },
  ...[0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].map((code) => ({
    name: `icmp unreachable code ${code}`,
    data: icmp4(icmp(3, code, bytes(u32(0), quoted4))),
  })),
  { name: 'icmp port unreachable, udp', data: icmp4(icmp(3, 3, bytes(u32(0), quoted4))) },
  { name: 'icmp port unreachable, tcp', data: icmp4(icmp(3, 3, bytes(u32(0), quotedTcp4))) },
  {
    name: 'icmp port unreachable, other',
    data: icmp4(icmp(3, 3, bytes(u32(0), ipv4({ protocol: 132 }, filler(8))))),
  },
  { name: 'icmp fragmentation needed', data: icmp4(icmp(3, 4, bytes(u16(0, 1400), quoted4))) },
  {
    name: 'icmp quoting no more than a header',
    data: icmp4(icmp(3, 1, bytes(u32(0), quotedTcp4.subarray(0, 28)))),
  },
  { name: 'icmp source quench', data: icmp4(icmp(4, 0, bytes(u32(0), quoted4))) },
  ...[0, 1, 2, 3, 4].map((code) => ({
    name: `icmp redirect code ${code}`,
    data: icmp4(icmp(5, code, bytes(ip4('10.0.0.254'), quoted4))),
  })),
  {
    name: 'icmp router advertisement',
    data: icmp4(icmp(9, 0, bytes([1, 2], u16(1800), ip4('10.0.0.254'), u32(0)))),
  },
  { name: 'icmp router solicitation', data: icmp4(icmp(10, 0, u32(0))) },
  ...[0, 1, 2].map((code) => ({
    name: `icmp time exceeded code ${code}`,
    data: icmp4(icmp(11, code, bytes(u32(0), quoted4))),
  })),
  { name: 'icmp parameter problem', data: icmp4(icmp(12, 0, bytes([20, 0, 0, 0], quoted4))) },
  { name: 'icmp parameter problem with a code', data: icmp4(icmp(12, 1, bytes(u32(0), quoted4))) },
  { name: 'icmp timestamp', data: icmp4(icmp(13, 0, bytes(u16(1, 2), u32(3600_000, 0, 0)))) },
  {
    name: 'icmp timestamp reply',
    data: icmp4(icmp(14, 0, bytes(u16(1, 2), u32(3600_000, 3600_001, 86_399_999)))),
  },
  { name: 'icmp address mask', data: icmp4(icmp(18, 0, bytes(u16(1, 2), u32(0xffffff00)))) },
  { name: 'icmp unknown type', data: icmp4(icmp(99, 0, u32(0))) },
  { name: 'icmp in ipv6', data: over6(icmp(8, 0, u32(0)), { next: 1 }) },
];

const lladdr = bytes([1, 1], mac('02:00:00:00:00:0a'));
const ICMP6: readonly PacketCase[] = [
  { name: 'icmp6 echo request', data: icmpv6(icmp6(128, 0, bytes(u16(7, 1), filler(56)))) },
  { name: 'icmp6 echo reply, wrong checksum', data: icmpv6(bytes([129, 0], u16(0xdead, 7, 1))) },
  ...[0, 1, 2, 3, 4].map((code) => ({
    name: `icmp6 unreachable code ${code}`,
    data: icmpv6(icmp6(1, code, bytes(u32(0), quoted6))),
  })),
  {
    name: 'icmp6 unreachable code 9',
    data: icmpv6(icmp6(1, 9, bytes(u32(0), quoted6))),
    differs: ONE_LINE,
  },
  {
    name: 'icmp6 port unreachable behind extension headers',
    data: icmpv6(
      icmp6(
        1,
        4,
        bytes(
          u32(0),
          ipv6(
            { next: 60 },
            bytes(extension(6, [1, 4, 0, 0, 0, 0]), tcp({ dport: 443, flags: 2 })),
          ),
        ),
      ),
    ),
  },
  { name: 'icmp6 too big', data: icmpv6(icmp6(2, 0, bytes(u32(1280), quoted6))) },
  ...[0, 1, 2].map((code) => ({
    name: `icmp6 time exceeded code ${code}`,
    data: icmpv6(icmp6(3, code, bytes(u32(0), quoted6))),
  })),
  ...[0, 1, 2, 3, 4].map((code) => ({
    name: `icmp6 parameter problem code ${code}`,
    data: icmpv6(icmp6(4, code, bytes(u32(40), quoted6))),
  })),
  {
    name: 'icmp6 neighbor solicitation',
    data: icmpv6(icmp6(135, 0, bytes(u32(0), ip6('fd00::2'), lladdr))),
  },
  {
    name: 'icmp6 neighbor advertisement',
    data: icmpv6(
      icmp6(
        136,
        0,
        bytes(u32(0x60000000), ip6('fd00::2'), bytes([2, 1], mac('02:00:00:00:00:0b'))),
      ),
    ),
  },
  {
    name: 'icmp6 router solicitation',
    data: icmpv6(icmp6(133, 0, bytes(u32(0), lladdr)), { src: 'fe80::1', dst: 'ff02::2' }),
  },
  {
    name: 'icmp6 router advertisement',
    data: icmpv6(
      icmp6(
        134,
        0,
        bytes(
          [64, 0xc8],
          u16(1800),
          u32(0, 0),
          lladdr,
          [5, 1, 0, 0],
          u32(1500),
          [3, 4, 64, 0xc0],
          u32(0xffffffff, 3600, 0),
          ip6('fd00::'),
          [25, 3, 0, 0],
          u32(60),
          ip6('fd00::53'),
          [24, 2, 48, 8],
          u32(600),
          ip6('fd01::').slice(0, 8),
          [7, 1, 0, 0],
          u32(5000),
          [8, 1, 0, 0],
          u16(1, 2),
        ),
      ),
    ),
  },
  {
    name: 'icmp6 option of length zero',
    data: icmpv6(icmp6(135, 0, bytes(u32(0), ip6('fd00::2'), [1, 0, 0, 0, 0, 0, 0, 0]))),
  },
  {
    name: 'icmp6 redirect',
    data: icmpv6(icmp6(137, 0, bytes(u32(0), ip6('fe80::2'), ip6('fd00::2'), lladdr))),
  },
  { name: 'mld query', data: icmpv6(icmp6(130, 0, bytes(u16(1000, 0), ip6('::')))) },
  { name: 'mld report', data: icmpv6(icmp6(131, 0, bytes(u16(0, 0), ip6('ff02::fb')))) },
  { name: 'mld done', data: icmpv6(icmp6(132, 0, bytes(u16(0, 0), ip6('ff02::fb')))) },
  {
    name: 'mldv2 query',
    data: icmpv6(
      icmp6(130, 0, bytes(u16(0x8123, 0), ip6('ff02::fb'), [0x0a, 0x90], u16(1), ip6('fd00::9'))),
    ),
  },
  {
    name: 'mldv2 report behind a router alert',
    data: over6(
      bytes(
        extension(58, [5, 2, 0, 0, 1, 0]),
        icmp6(143, 0, bytes(u16(0, 1), [4, 0], u16(1), ip6('ff02::fb'), ip6('fd00::9'))),
      ),
      { next: 0, hopLimit: 1 },
    ),
  },
  { name: 'icmp6 unknown type', data: icmpv6(icmp6(77, 0, u32(0))), differs: ONE_LINE },
];

const IPV6: readonly PacketCase[] = [
  {
    name: 'ipv6 destination options',
    data: over6(bytes(extension(17, [0x1e, 2, 0, 0, 1, 0]), udp({}, filler(4), V6)), { next: 60 }),
  },
  {
    name: 'ipv6 home address',
    data: over6(bytes(extension(59, bytes([1, 2, 0, 0, 0xc9, 16], ip6('fd00::7')))), { next: 60 }),
  },
  {
    name: 'ipv6 first fragment',
    data: over6(bytes([17, 0], u16(1), u32(0xfeed), udp({ length: 2000 }, filler(40), V6)), {
      next: 44,
    }),
  },
  {
    name: 'ipv6 last fragment',
    data: over6(bytes([17, 0], u16(1448), u32(0xfeed), filler(40)), { next: 44 }),
  },
  {
    name: 'ipv6 routing header type 0',
    data: over6(
      bytes(
        [17, 2, 0, 1],
        u32(0),
        ip6('fd00::3'),
        udp({}, filler(4), { version: 6, dst: 'fd00::3' }),
      ),
      { next: 43 },
    ),
  },
  {
    name: 'ipv6 segment routing',
    data: over6(
      bytes(
        [17, 4, 4, 1, 1, 0],
        u16(0),
        ip6('fd00::5'),
        ip6('fd00::4'),
        udp({}, filler(4), { version: 6, dst: 'fd00::5' }),
      ),
      { next: 43 },
    ),
  },
  {
    name: 'ipv6 routing header of unknown type',
    data: over6(bytes([17, 0, 99, 0, 0, 0, 0, 0], udp({}, [], V6)), { next: 43 }),
  },
  {
    name: 'ipv6 routing header with an odd length',
    data: over6(bytes([17, 1, 0, 0], filler(12), udp({}, [], V6)), { next: 43 }),
  },
  {
    name: 'ipv6 AH',
    data: over6(bytes([58, 4, 0, 0], u32(0x101, 9), filler(12), icmp6(128, 0, u16(1, 1))), {
      next: 51,
    }),
  },
  { name: 'ipv6 no next header', data: over6([], { next: 59 }) },
  {
    name: 'ipv6 hop-by-hop in the wrong place',
    data: over6(bytes(extension(0, [1, 4, 0, 0, 0, 0]), extension(59, [1, 4, 0, 0, 0, 0])), {
      next: 60,
    }),
  },
  {
    name: 'ipv6 padding of all kinds',
    data: over6(extension(59, [0, 1, 0, 1, 1, 0]), { next: 60 }),
  },
  {
    name: 'ipv6 option longer than its header',
    data: over6(extension(59, [1, 200, 0, 0, 0, 0]), { next: 60 }),
  },
  {
    name: 'ipv6 payload missing',
    data: over6(udp({}, filler(4), V6), { next: 17, payloadLength: 900 }),
  },
  { name: 'ipv6 wrong version', data: ethernet(0x86dd, bytes([0x45], filler(60))) },
  { name: 'ip6ip6', data: over6(quoted6, { next: 41 }) },
  { name: '4in6', data: over6(innerPing, { next: 4 }) },
  { name: 'ethernet in ipv6', data: over6(innerFrame, { next: 143 }) },
  {
    name: 'ipv6 mapped and compatible addresses',
    data: over6([], { next: 59, src: '::ffff:102:304', dst: '::102:304' }),
  },
  {
    name: 'ipv6 zeros once and in the middle',
    data: over6([], { next: 59, src: '1:0:2:3:4:5:6:7', dst: '1:0:0:2:0:0:0:3' }),
  },
];

const TUNNELS: readonly PacketCase[] = [
  {
    name: 'vxlan',
    data: udp4(udp({ dport: 4789, checksum: 0 }, bytes(hex('08000000 00002a00'), innerFrame))),
    differs: ONE_LINE,
  },
  {
    name: 'vxlan on the port of Linux',
    data: udp4(udp({ dport: 8472, checksum: 0 }, bytes(hex('08000000 00002a00'), innerFrame))),
    differs: 'tcpdump takes 8472 for OTV',
  },
  {
    name: 'vxlan without a VNI',
    data: udp4(udp({ dport: 4789 }, bytes(hex('00000000 00000000'), innerFrame))),
    differs: ONE_LINE,
  },
  { name: 'vxlan too short', data: udp4(udp({ dport: 4789 }, [8, 0, 0])) },
  {
    name: 'geneve with ethernet',
    data: udp4(udp({ dport: 6081 }, bytes([0, 0], u16(0x6558), [0, 0, 42, 0], innerFrame))),
  },
  {
    name: 'geneve with options and IP',
    data: udp4(
      udp(
        { dport: 6081 },
        bytes(
          [3, 0xc0],
          u16(0x0800),
          [0, 0, 42, 1],
          u16(0x0102),
          [0x80, 1],
          u32(0xabcdef),
          u16(0x0001),
          [1, 0],
          innerPing,
        ),
      ),
    ),
  },
  {
    name: 'geneve of another version',
    data: udp4(udp({ dport: 6081 }, bytes([0x40, 0], u16(0x0800), filler(4)))),
  },
  {
    name: 'geneve with something else',
    data: udp4(udp({ dport: 6081 }, bytes([0, 0], u16(0x1234), filler(4)))),
  },
  { name: 'gre with IP', data: over4(bytes(u16(0, 0x0800), innerPing), { protocol: 47 }) },
  {
    name: 'gre with key, sequence and checksum, IPv6',
    data: over4(bytes(u16(0xb000, 0x86dd, 0x1234, 0), u32(77, 5), quoted6), { protocol: 47 }),
  },
  {
    name: 'gre with ethernet',
    data: over4(bytes(u16(0x2000, 0x6558), u32(9), innerFrame), { protocol: 47 }),
  },
  {
    name: 'gre with something else',
    data: over4(bytes(u16(0, 0x1234), filler(4)), { protocol: 47 }),
  },
  {
    name: 'gre of PPTP without payload',
    data: over4(bytes(u16(0x2081, 0x880b, 0, 42), u32(9)), { protocol: 47 }),
  },
  { name: 'gre of another version', data: over4(u16(2, 0x0800), { protocol: 47 }) },
];

const OTHERS: readonly PacketCase[] = [
  { name: 'igmp query v2', data: over4(hex('1164 ee9b 00000000'), { protocol: 2 }) },
  { name: 'igmp query of a group', data: over4(hex('110a 0ef5 e00000fb'), { protocol: 2 }) },
  {
    name: 'igmp query v3',
    data: over4(hex('1190 0000 e00000fb 0000 0001 0a000001'), { protocol: 2 }),
  },
  { name: 'igmp report v1', data: over4(hex('1200 0d04 e00000fb'), { protocol: 2 }) },
  { name: 'igmp report v2', data: over4(hex('1600 0904 e00000fb'), { protocol: 2 }) },
  {
    name: 'igmp report v3',
    data: over4(hex('2200 ea03 0000 0001 04000000 e00000fb'), { protocol: 2 }),
  },
  { name: 'igmp leave', data: over4(hex('1700 0804 e00000fb'), { protocol: 2 }) },
  { name: 'igmp unknown', data: over4(hex('7700 0804 e00000fb'), { protocol: 2 }) },
  {
    name: 'sctp init',
    data: over4(
      bytes(u16(5000, 5001), u32(0, 0), [1, 0], u16(20), u32(0xcafe, 65535), u16(10, 10), u32(1)),
      { protocol: 132 },
    ),
  },
  {
    name: 'sctp data and a heartbeat',
    data: over4(
      bytes(
        u16(5000, 5001),
        u32(1, 0),
        [0, 3],
        u16(18),
        u32(1),
        u16(0, 0),
        u32(99),
        [1, 2, 0, 0],
        [4, 0],
        u16(8),
        u32(5),
      ),
      { protocol: 132 },
    ),
    differs: 'tcpdump dumps the payload with -vv',
    differsWith: '-vv',
  },
  {
    name: 'sctp selective acknowledgment',
    data: over4(bytes(u16(5000, 5001), u32(1, 0), [3, 0], u16(16), u32(9, 8192), u16(0, 0)), {
      protocol: 132,
    }),
  },
  {
    name: 'sctp bad chunk',
    data: over4(bytes(u16(5000, 5001), u32(1, 0), [9, 0], u16(2)), { protocol: 132 }),
  },
  {
    name: 'sctp in ipv6',
    data: over6(bytes(u16(5000, 5001), u32(1, 0), [14, 0], u16(4)), { next: 132 }),
  },
  {
    name: 'no bytes captured',
    data: new Uint8Array(0),
    wireLength: 60,
    differs: 'tcpdump calls the record invalid',
  },
];

export const PACKET_CASES: readonly PacketCase[] = [
  ...ARP,
  ...LINK,
  ...IPV4,
  ...TCP,
  ...UDP,
  ...ICMP,
  ...ICMP6,
  ...IPV6,
  ...TUNNELS,
  ...OTHERS,
];

/** Packets without a link header (LINKTYPE_RAW). */
export const RAW_CASES: readonly PacketCase[] = [
  { name: 'raw ipv4', data: innerPing },
  { name: 'raw ipv6', data: quoted6 },
  { name: 'raw ipv4 cut', data: quoted4.subarray(0, 22), wireLength: quoted4.length },
  { name: 'raw of no version', data: bytes([0x15], filler(30)) },
];
