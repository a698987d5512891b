import { bytes, filler, ipv4, ipv6, u16, u32, udp } from './packets.ts';

/** How a packet is carried: what stands between the outer IP header and it. */
export interface Tunnel {
  readonly name: string;
  /** What may be inside. */
  readonly carries: 'ethernet' | 'ip';
  /** The outer IP packet around `inner`; `next` is 4 or 6, the version of an IP packet inside. */
  readonly wrap: (inner: Uint8Array, outer: 4 | 6, version: 4 | 6) => Uint8Array;
}

const etherType = (version: 4 | 6): number => (version === 4 ? 0x0800 : 0x86dd);

function around(outer: 4 | 6, protocol: number, payload: Uint8Array): Uint8Array {
  return outer === 4
    ? ipv4({ src: '10.9.0.1', dst: '10.9.0.2', protocol }, payload)
    : ipv6({ src: 'fd00:9::1', dst: 'fd00:9::2', next: protocol }, payload);
}

/** Not every receiver checks a tunnel's checksum: zero says that there is none. */
const datagram = (dport: number, payload: Uint8Array): Uint8Array =>
  udp({ sport: 50000, dport, checksum: 0 }, payload);

const vxlan = (port: number): Tunnel => ({
  name: `VXLAN on ${port}`,
  carries: 'ethernet',
  wrap: (inner, outer) => around(outer, 17, datagram(port, bytes(u32(0x08000000, 0x2a00), inner))),
});

const gre = (name: string, flags: number, fields: number, type?: number): Tunnel => ({
  name,
  carries: type === undefined ? 'ip' : 'ethernet',
  wrap: (inner, outer, version) =>
    around(outer, 47, bytes(u16(flags, type ?? etherType(version)), filler(fields), inner)),
});

const geneve = (options: number): Tunnel => ({
  name: `Geneve with ${options} bytes of options`,
  carries: 'ethernet',
  wrap: (inner, outer) =>
    around(
      outer,
      17,
      datagram(6081, bytes([options / 4, 0], u16(0x6558), u32(0x2a00), filler(options), inner)),
    ),
});

export const TUNNELS: readonly Tunnel[] = [
  vxlan(4789),
  vxlan(8472),
  geneve(0),
  geneve(20),
  gre('GRE', 0, 0),
  gre('GRE with a key', 0x2000, 4),
  gre('GRE with checksum, key and sequence number', 0xb000, 12),
  gre('GRE around Ethernet', 0x2000, 4, 0x6558),
  {
    name: 'IP in IP',
    carries: 'ip',
    wrap: (inner, outer, version) => around(outer, version === 4 ? 4 : 41, inner),
  },
  {
    name: 'IP in IP behind extension headers',
    carries: 'ip',
    wrap: (inner, outer, version) => {
      const protocol = version === 4 ? 4 : 41;
      if (outer === 4) {
        const options = [1, 1, 1, 0];
        return ipv4({ src: '10.9.0.1', dst: '10.9.0.2', protocol, options }, inner);
      }
      // Hop-by-hop with 8 bytes, destination options with 16, the first fragment.
      const chain = bytes(
        [60, 0, 1, 4, 0, 0, 0, 0],
        [44, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [protocol, 0],
        u16(0x0001),
        u32(7),
      );
      return ipv6({ src: 'fd00:9::1', dst: 'fd00:9::2', next: 0 }, bytes(chain, inner));
    },
  },
];

/** Packets that look like tunnels and are none, as outer IP packets. */
export const NO_TUNNELS: readonly (readonly [name: string, packet: Uint8Array])[] = [
  ['VXLAN without a network number', around(4, 17, datagram(4789, bytes(u32(0, 0), filler(60))))],
  ['another port', around(4, 17, datagram(4788, bytes(u32(0x08000000, 0), filler(60))))],
  [
    'Geneve of another version',
    around(4, 17, datagram(6081, bytes([0x40, 0], u16(0x6558), filler(60)))),
  ],
  [
    'Geneve around something else',
    around(4, 17, datagram(6081, bytes([0, 0], u16(0x0806), filler(60)))),
  ],
  ['GRE version 1 (PPTP)', around(4, 47, bytes(u16(0x2001, 0x880b), filler(60)))],
  ['GRE with source routes', around(4, 47, bytes(u16(0x4000, 0x0800), filler(60)))],
  ['GRE around ARP', around(4, 47, bytes(u16(0, 0x0806), filler(60)))],
  [
    'a later fragment',
    ipv4({ src: '10.9.0.1', dst: '10.9.0.2', protocol: 4, fragment: 0x00b9 }, filler(60)),
  ],
  ['TCP', around(4, 6, filler(60))],
  ['UDP over IPv6', around(6, 17, datagram(53, filler(60)))],
];
