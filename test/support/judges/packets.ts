import { bytes, ip4, ip6, u16, u32, vlan, type Bytes } from '../packets.ts';
import { ETHERNET_PACKETS, IP_PACKETS, type Packet } from '../../unit/filter/support/packets.ts';

type Named = readonly [name: string, bytes: Bytes];

const MAC1 = [2, 0, 0, 0, 0, 1];
const MAC2 = [2, 0, 0, 0, 0, 2];
const A = '10.9.0.1';
const B = '10.9.0.2';
const SIX_A = '2001:db8::1';
const SIX_B = '2001:db8::2';

const data = Uint8Array.from({ length: 48 }, (_, i) => i + 1);
const tcp = bytes(u16(50000, 80), u32(0x01020304, 5), [0x50, 0x12], u16(1000, 0, 0), data);
const tcpOptions = bytes(u16(443, 22), u32(1, 2), [0x80, 4], u16(9, 0, 0), data.subarray(0, 40));

/** Protocol number and what goes with it. */
const TRANSPORTS: readonly (readonly [string, number, Bytes])[] = [
  ['tcp', 6, tcp],
  ['tcp with options', 6, tcpOptions],
  ['udp', 17, bytes(u16(40000, 53, 8 + data.length, 0), data)],
  ['icmp', 1, bytes([8, 0, 0, 0, 0, 1, 0, 1], data)],
  ['icmp6', 58, bytes([128, 0, 0, 0, 0, 1, 0, 1], data)],
  ['sctp', 132, bytes(u16(9, 9), u32(0, 0), data)],
  ['ospf', 89, data],
];

function four(protocol: number, payload: Bytes, options: Bytes = [], fragment = 0): Uint8Array {
  const header = 20 + options.length;
  return bytes(
    [0x40 | (header / 4), 0],
    u16(header + payload.length, 7, fragment),
    [64, protocol, 0, 0],
    ip4(A),
    ip4(B),
    options,
    payload,
  );
}

const six = (next: number, payload: Bytes): Uint8Array =>
  bytes(u32(0x6000_0000), u16(payload.length), [next, 64], ip6(SIX_A), ip6(SIX_B), payload);

/** Hop-by-hop options, routing, destination options, fragment: `next` behind one such header. */
const extended = (header: number, next: number, payload: Bytes): Uint8Array =>
  six(header, bytes([next, 0, 0, header === 44 ? 1 : 0, 0, 0, 0, 0], payload));

/** Every network header around every transport header. */
const NETWORK: readonly Named[] = TRANSPORTS.flatMap(([name, protocol, payload]): Named[] => [
  [`ip, ${name}`, four(protocol, payload)],
  [`ip with options, ${name}`, four(protocol, payload, [7, 7, 4, 0, 0, 0, 0, 0])],
  [`ip, first fragment, ${name}`, four(protocol, payload, [], 0x2000)],
  [`ip, later fragment, ${name}`, four(protocol, payload, [], 0x00b9)],
  [`ip6, ${name}`, six(protocol, payload)],
  ...[0, 43, 44, 60].map((header): Named => [
    `ip6, header ${header}, ${name}`,
    extended(header, protocol, payload),
  ]),
]);

const etherType = ([name]: Named): number => (name.startsWith('ip6') ? 0x86dd : 0x0800);
const ether = (type: number, payload: Bytes): Uint8Array => bytes(MAC2, MAC1, u16(type), payload);

/** Every link header around each of `inner`. */
function onEthernet(inner: Named): readonly Named[] {
  const [name, packet] = inner;
  const type = etherType(inner);
  const label = (bottom: boolean, value: number): number[] =>
    u32(((value << 12) | (bottom ? 0x100 : 0) | 64) >>> 0);
  const ppp = type === 0x0800 ? [0, 0x21] : [0, 0x57];
  return [
    [`ether, ${name}`, ether(type, packet)],
    [`vlan 5, ${name}`, ether(0x8100, vlan(5, type, packet))],
    [`two tags, ${name}`, ether(0x88a8, vlan(0x2005, 0x8100, vlan(6, type, packet)))],
    [`mpls, ${name}`, ether(0x8847, bytes(label(true, 100), packet))],
    [`two labels, ${name}`, ether(0x8847, bytes(label(false, 200), label(true, 100), packet))],
    [`pppoe, ${name}`, ether(0x8864, bytes([0x11, 0], u16(7, packet.length + 2), ppp, packet))],
    [`snap, ${name}`, bytes(MAC2, MAC1, u16(90), [0xaa, 0xaa, 3, 0, 0, 0], u16(type), packet)],
  ];
}

const ARP = bytes(u16(1, 0x0800), [6, 4], u16(1), MAC1, ip4(A), [0, 0, 0, 0, 0, 0], ip4(B));
/** Control fields of 802.2: information, supervisory, unnumbered. */
const CONTROLS = [0x00, 0x01, 0x05, 0x09, 0x03, 0x43, 0x63, 0x0f, 0x6f, 0xaf, 0xe3, 0x87];
const FILL = Array.from({ length: 40 }, (_, i) => i);

const LINK_ONLY: readonly Named[] = [
  ['arp', ether(0x0806, ARP)],
  ['type 1501', ether(1501, FILL)],
  ['type 0x600', ether(0x0600, FILL)],
  ['vlan 5, arp', ether(0x8100, vlan(5, 0x0806, ARP))],
  ['to all, arp', bytes([255, 255, 255, 255, 255, 255], MAC1, u16(0x0806), ARP)],
  ...CONTROLS.map((control): Named => [
    `llc control ${control}`,
    bytes(MAC2, MAC1, u16(43), [0x0c, 0x0c, control], FILL),
  ]),
];

const named = ([name, packet]: Named): Packet => ({ name, bytes: Uint8Array.from(packet) });

/** For DLT_EN10MB: every link header on the whole and on what matters of the rest. */
const ethernet: readonly Packet[] = [
  ...ETHERNET_PACKETS,
  ...NETWORK.map((inner) => onEthernet(inner)[0])
    .filter((each) => each !== undefined)
    .map(named),
  ...NETWORK.filter(([name]) => /^ip6?, (tcp|udp|icmp|sctp)/.test(name))
    .flatMap((inner) => onEthernet(inner).slice(1))
    .map(named),
  ...LINK_ONLY.map(named),
];

/** For DLT_RAW. */
const raw: readonly Packet[] = [...IP_PACKETS, ...NETWORK.map(named)];

const behind =
  (header: (type: number) => Bytes) =>
  (inner: Named): Named => [inner[0], bytes(header(etherType(inner)), inner[1])];
const arpBehind = (header: Bytes): Named => ['arp', bytes(header, ARP)];
const family = (type: number): number => (type === 0x0800 ? 2 : 10);
const wlan = (control: number, rest: Bytes = []): Uint8Array =>
  bytes(
    [control, control === 8 ? 1 : 0, 0, 0],
    [255, 255, 255, 255, 255, 255],
    MAC1,
    MAC2,
    [0, 0],
    rest,
  );
const RADIOTAP = [0, 0, 8, 0, 0, 0, 0, 0];
const MANAGEMENT: readonly Named[] = [0x80, 0xd4, 0x40, 0x48, 0x08]
  .map((control): Named => [`wlan ${control}`, wlan(control, FILL)])
  .concat([
    ['wlan from the distribution system', bytes([8, 2, 0, 0], MAC1, MAC2, MAC2, [0, 0], FILL)],
  ]);
const wlanData = behind((type) => wlan(8, bytes([0xaa, 0xaa, 3, 0, 0, 0], u16(type))));

/** What a link type puts before a network header. */
const LINKS: ReadonlyMap<number, readonly Named[]> = new Map([
  [0, NETWORK.map(behind((type) => [family(type), 0, 0, 0]))],
  [108, NETWORK.map(behind((type) => [0, 0, 0, family(type)]))],
  ...[9, 50].map((link): [number, readonly Named[]] => [
    link,
    NETWORK.map(behind((type) => [0xff, 3, 0, type === 0x0800 ? 0x21 : 0x57])),
  ]),
  [104, NETWORK.map(behind((type) => [0x0f, 0, ...u16(type)]))],
  [
    113,
    [
      arpBehind([0, 0, 0, 1, 0, 6, ...MAC1, 0, 0, 8, 6]),
      ...NETWORK.map(behind((type) => [0, 4, 0, 1, 0, 6, ...MAC1, 0, 0, ...u16(type)])),
    ],
  ],
  [
    276,
    [
      arpBehind([8, 6, 0, 0, 0, 0, 0, 4, 0, 1, 0, 6, ...MAC1, 0, 0]),
      ...NETWORK.map(behind((type) => [...u16(type), 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, ...MAC1, 0, 0])),
    ],
  ],
  [228, NETWORK],
  [229, NETWORK],
  [105, [...MANAGEMENT, ...NETWORK.map(wlanData)]],
  [
    127,
    [...MANAGEMENT, ...NETWORK.map(wlanData)].map(([name, packet]): Named => [
      name,
      bytes(RADIOTAP, packet),
    ]),
  ],
  [
    10,
    NETWORK.map(behind((type) => [0x50, ...MAC2, ...MAC1, 0xaa, 0xaa, 3, 0, 0, 0, ...u16(type)])),
  ],
  [
    6,
    NETWORK.map(
      behind((type) => [0, 0x40, ...MAC2, ...MAC1, 0xaa, 0xaa, 3, 0, 0, 0, ...u16(type)]),
    ),
  ],
  [
    117,
    NETWORK.map(
      behind((type) => [
        ...[
          61,
          type === 0x0800 ? 2 : 10,
          1,
          0,
          ...Buffer.from('em0'),
          ...new Array<number>(13).fill(0),
        ],
        ...new Array<number>(16).fill(0),
        ...[0, 0, 0, 3, ...new Array<number>(24).fill(0)],
      ]),
    ),
  ],
  [
    123,
    [1, 2, 5, 6].flatMap((vci): Named[] =>
      [0, 1].map((vpi): Named => [`atm ${vpi} ${vci}`, bytes([vci, vpi], u16(vci), FILL)]),
    ),
  ],
  [140, [0, 1, 2, 40].map((length): Named => [`mtp2 ${length}`, bytes([1, 2, length, 3], FILL)])],
]);

/** For every link type: what no header is expected to be. */
const PLAIN: readonly Named[] = [
  ['nothing', []],
  ['zeros', new Array<number>(100).fill(0)],
  ['ones', new Array<number>(100).fill(255)],
];

/** Packets of a link type, all headers in every combination. */
export function packetsOf(linkType: number): readonly Packet[] {
  if (linkType === 1) return ethernet;
  return linkType === 12 ? raw : [...PLAIN, ...(LINKS.get(linkType) ?? [])].map(named);
}
