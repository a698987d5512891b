import { formatIpv4, formatIpv6, formatMac } from './address.ts';
import { ETHERTYPE } from './ethertypes.ts';

/** One header of a packet, with what can be told apart in it. */
export interface Layer {
  readonly name:
    'eth' | 'vlan' | 'ip' | 'ip6' | 'tcp' | 'udp' | 'icmp' | 'icmp6' | 'gre' | 'vxlan' | 'geneve';
  /** Where it starts. */
  readonly at: number;
  readonly fields: Readonly<Record<string, string | number>>;
}

/** The headers from the outside in, as far as they were captured, and where what they carry starts. */
export interface Layers {
  readonly layers: readonly Layer[];
  readonly payloadAt: number;
}

/** A way deeper than any tunnel: hostile packets end. */
const DEPTH = 16;
const VXLAN_PORTS = new Set([4789, 8472]);
const GENEVE_PORT = 6081;

/** What comes next, and where. */
type Next =
  | { readonly kind: 'link'; readonly at: number }
  | { readonly kind: 'ether'; readonly type: number; readonly at: number }
  | { readonly kind: 'ip'; readonly protocol: number; readonly at: number };

interface Parsed {
  readonly layer: Layer;
  readonly end: number;
  readonly next: Next | undefined;
}

/** @param link whether it starts at an Ethernet header, or at that of the network layer */
export function layersOf(data: Uint8Array, link: 'ethernet' | 'raw'): Layers {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const layers: Layer[] = [];
  const version = (data[0] ?? 0) >> 4;
  let payloadAt = 0;
  let next: Next | undefined =
    link === 'ethernet'
      ? { kind: 'link', at: 0 }
      : { kind: 'ether', type: version === 6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4, at: 0 };
  while (next !== undefined && layers.length < DEPTH) {
    const parsed = parse(data, view, next);
    if (parsed === undefined) break;
    layers.push(parsed.layer);
    payloadAt = parsed.end;
    next = parsed.next;
  }
  return { layers, payloadAt };
}

function parse(data: Uint8Array, view: DataView, next: Next): Parsed | undefined {
  const { at } = next;
  const has = (bytes: number): boolean => at + bytes <= data.length;
  if (next.kind === 'link') return has(14) ? ethernet(data, view, at) : undefined;
  if (next.kind === 'ether') {
    switch (next.type) {
      case 0x8100:
      case 0x88a8:
        return has(4) ? vlan(view, at) : undefined;
      case ETHERTYPE.ipv4:
        return has(20) ? ipv4(data, view, at) : undefined;
      case ETHERTYPE.ipv6:
        return has(40) ? ipv6(data, view, at) : undefined;
      case 0x6558: // transparent Ethernet bridging
        return has(14) ? ethernet(data, view, at) : undefined;
      default:
        return undefined;
    }
  }
  switch (next.protocol) {
    case 1:
      return has(8) ? icmp(view, at, 'icmp') : undefined;
    case 4:
      return has(20) ? ipv4(data, view, at) : undefined;
    case 6:
      return has(20) ? tcp(view, at) : undefined;
    case 17:
      return has(8) ? udp(view, at) : undefined;
    case 41:
      return has(40) ? ipv6(data, view, at) : undefined;
    case 47:
      return has(4) ? gre(data, view, at) : undefined;
    case 58:
      return has(8) ? icmp(view, at, 'icmp6') : undefined;
    case VXLAN:
      return has(8) ? vxlan(view, at) : undefined;
    case GENEVE:
      return has(8) ? geneve(data, view, at) : undefined;
    default:
      return undefined;
  }
}

/** No protocol of IP has these numbers: what UDP carries. */
const VXLAN = 0x100;
const GENEVE = 0x101;

const hex = (value: number): string => `0x${value.toString(16).padStart(4, '0')}`;

function ethernet(data: Uint8Array, view: DataView, at: number): Parsed {
  const type = view.getUint16(at + 12);
  const fields = { dst: formatMac(data, at), src: formatMac(data, at + 6), type: hex(type) };
  return {
    layer: { name: 'eth', at, fields },
    end: at + 14,
    next: { kind: 'ether', type, at: at + 14 },
  };
}

function vlan(view: DataView, at: number): Parsed {
  const tag = view.getUint16(at);
  const fields = { id: tag & 0xfff, priority: tag >> 13 };
  const next = { kind: 'ether', type: view.getUint16(at + 2), at: at + 4 } as const;
  return { layer: { name: 'vlan', at, fields }, end: at + 4, next };
}

function ipv4(data: Uint8Array, view: DataView, at: number): Parsed {
  const header = ((data[at] ?? 0) & 0xf) * 4;
  const end = at + Math.max(header, 20);
  const fragment = view.getUint16(at + 6);
  const fields = {
    src: formatIpv4(data, at + 12),
    dst: formatIpv4(data, at + 16),
    ttl: data[at + 8] ?? 0,
    tos: data[at + 1] ?? 0,
    len: view.getUint16(at + 2),
    id: view.getUint16(at + 4),
    fragment: hex(fragment),
    protocol: data[at + 9] ?? 0,
    checksum: hex(view.getUint16(at + 10)),
  };
  // Behind the first fragment there is no header.
  const next =
    (fragment & 0x1fff) === 0
      ? ({ kind: 'ip', protocol: fields.protocol, at: end } as const)
      : undefined;
  return { layer: { name: 'ip', at, fields }, end, next };
}

function ipv6(data: Uint8Array, view: DataView, at: number): Parsed {
  const first = view.getUint32(at);
  const fields = {
    src: formatIpv6(data, at + 8),
    dst: formatIpv6(data, at + 24),
    hop_limit: data[at + 7] ?? 0,
    class: (first >>> 20) & 0xff,
    flow: `0x${(first & 0xfffff).toString(16)}`,
    len: view.getUint16(at + 4),
    next: data[at + 6] ?? 0,
  };
  const next = { kind: 'ip', protocol: fields.next, at: at + 40 } as const;
  return { layer: { name: 'ip6', at, fields }, end: at + 40, next };
}

function tcp(view: DataView, at: number): Parsed {
  const header = (view.getUint8(at + 12) >> 4) * 4;
  const fields = {
    sport: view.getUint16(at),
    dport: view.getUint16(at + 2),
    seq: view.getUint32(at + 4),
    ack: view.getUint32(at + 8),
    flags: `0x${view
      .getUint8(at + 13)
      .toString(16)
      .padStart(2, '0')}`,
    window: view.getUint16(at + 14),
    checksum: hex(view.getUint16(at + 16)),
  };
  return { layer: { name: 'tcp', at, fields }, end: at + Math.max(header, 20), next: undefined };
}

function udp(view: DataView, at: number): Parsed {
  const dport = view.getUint16(at + 2);
  const fields = {
    sport: view.getUint16(at),
    dport,
    len: view.getUint16(at + 4),
    checksum: hex(view.getUint16(at + 6)),
  };
  const protocol = VXLAN_PORTS.has(dport) ? VXLAN : dport === GENEVE_PORT ? GENEVE : undefined;
  const next = protocol && ({ kind: 'ip', protocol, at: at + 8 } as const);
  return { layer: { name: 'udp', at, fields }, end: at + 8, next };
}

function icmp(view: DataView, at: number, name: 'icmp' | 'icmp6'): Parsed {
  const fields = {
    type: view.getUint8(at),
    code: view.getUint8(at + 1),
    checksum: hex(view.getUint16(at + 2)),
    id: view.getUint16(at + 4),
    seq: view.getUint16(at + 6),
  };
  return { layer: { name, at, fields }, end: at + 8, next: undefined };
}

/** RFC 2784 and 2890: checksum, key and sequence number are there when their bit is. */
function gre(data: Uint8Array, view: DataView, at: number): Parsed {
  const flags = view.getUint16(at);
  const checksum = (flags & 0x8000) === 0 ? 0 : 4;
  const key = (flags & 0x2000) === 0 ? 0 : 4;
  const end = at + 4 + checksum + key + ((flags & 0x1000) === 0 ? 0 : 4);
  const type = view.getUint16(at + 2);
  const keyAt = at + 4 + checksum;
  const hasKey = key > 0 && keyAt + 4 <= data.length;
  const fields = { protocol: hex(type), ...(hasKey ? { key: view.getUint32(keyAt) } : {}) };
  return { layer: { name: 'gre', at, fields }, end, next: { kind: 'ether', type, at: end } };
}

function vxlan(view: DataView, at: number): Parsed {
  const fields = { vni: view.getUint32(at + 4) >>> 8 };
  return { layer: { name: 'vxlan', at, fields }, end: at + 8, next: { kind: 'link', at: at + 8 } };
}

function geneve(data: Uint8Array, view: DataView, at: number): Parsed {
  const end = at + 8 + ((data[at] ?? 0) & 0x3f) * 4;
  const fields = { vni: view.getUint32(at + 4) >>> 8 };
  const next = { kind: 'ether', type: view.getUint16(at + 2), at: end } as const;
  return { layer: { name: 'geneve', at, fields }, end, next };
}
