/** Builds packets for tests, header by header, with lengths and checksums that are right. */

export type Bytes = readonly number[] | Uint8Array;

const IP_PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const;

export const MAC_A = '02:00:00:00:00:0a';
export const MAC_B = '02:00:00:00:00:0b';

/** Joins parts into one packet. */
export function bytes(...parts: readonly (Bytes | number)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])));
}

export function u16(...values: readonly number[]): number[] {
  return values.flatMap((value) => [(value >>> 8) & 0xff, value & 0xff]);
}

export function u32(...values: readonly number[]): number[] {
  return values.flatMap((value) => [...u16(value >>> 16), ...u16(value & 0xffff)]);
}

export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

/** `length` bytes of payload: 0, 1, 2 ... */
export function filler(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i);
}

export function mac(text: string): number[] {
  return text.split(':').map((part) => Number.parseInt(part, 16));
}

export function ip4(text: string): number[] {
  return text.split('.').map(Number);
}

export function ip6(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const zeros = new Array<number>(8 - left.length - right.length).fill(0);
  return u16(...left, ...zeros, ...right);
}

/** RFC 1071. */
export function internetChecksum(...parts: readonly Bytes[]): number {
  const all = bytes(...parts);
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) sum += (all[i]! << 8) | (all[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function ethernet(
  type: number,
  payload: Bytes,
  options: { readonly src?: string; readonly dst?: string } = {},
): Uint8Array {
  return bytes(mac(options.dst ?? MAC_B), mac(options.src ?? MAC_A), u16(type), payload);
}

/** The tag and the type behind it: give it to ethernet() as payload of type 0x8100 or 0x88a8. */
export function vlan(tag: number, type: number, payload: Bytes): Uint8Array {
  return bytes(u16(tag, type), payload);
}

export function arp(fields: {
  readonly operation: number;
  readonly senderMac?: string;
  readonly sender: string;
  readonly targetMac?: string;
  readonly target: string;
}): Uint8Array {
  return bytes(
    u16(1, 0x0800),
    [6, 4],
    u16(fields.operation),
    mac(fields.senderMac ?? MAC_A),
    ip4(fields.sender),
    mac(fields.targetMac ?? '00:00:00:00:00:00'),
    ip4(fields.target),
  );
}

export interface Ipv4Fields {
  readonly src?: string;
  readonly dst?: string;
  readonly protocol: number;
  readonly tos?: number;
  readonly id?: number;
  /** Flags and fragment offset, as in the header. */
  readonly fragment?: number;
  readonly ttl?: number;
  readonly options?: Bytes;
  readonly totalLength?: number;
  readonly checksum?: number;
}

export function ipv4(fields: Ipv4Fields, payload: Bytes): Uint8Array {
  const options = bytes(fields.options ?? []);
  const headerLength = 20 + options.length;
  const header = bytes(
    [0x40 | (headerLength / 4), fields.tos ?? 0],
    u16(fields.totalLength ?? headerLength + payload.length, fields.id ?? 1, fields.fragment ?? 0),
    [fields.ttl ?? 64, fields.protocol],
    u16(0),
    ip4(fields.src ?? '10.0.0.1'),
    ip4(fields.dst ?? '10.0.0.2'),
    options,
  );
  header.set(u16(fields.checksum ?? internetChecksum(header)), 10);
  return bytes(header, payload);
}

export interface Ipv6Fields {
  readonly src?: string;
  readonly dst?: string;
  readonly next: number;
  readonly hopLimit?: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  readonly payloadLength?: number;
}

export function ipv6(fields: Ipv6Fields, payload: Bytes): Uint8Array {
  return bytes(
    u32((6 << 28) | ((fields.trafficClass ?? 0) << 20) | (fields.flowLabel ?? 0)),
    u16(fields.payloadLength ?? payload.length),
    [fields.next, fields.hopLimit ?? 64],
    ip6(fields.src ?? 'fd00::1'),
    ip6(fields.dst ?? 'fd00::2'),
    payload,
  );
}

/** Where a transport header travels; decides the pseudo header of its checksum. */
export interface Ends {
  readonly src?: string;
  readonly dst?: string;
  readonly version?: 4 | 6;
}

function pseudoHeader(ends: Ends, protocol: number, length: number): Uint8Array {
  return ends.version === 6
    ? bytes(ip6(ends.src ?? 'fd00::1'), ip6(ends.dst ?? 'fd00::2'), u32(length, protocol))
    : bytes(ip4(ends.src ?? '10.0.0.1'), ip4(ends.dst ?? '10.0.0.2'), u16(protocol, length));
}

export interface TcpFields {
  readonly sport?: number;
  readonly dport?: number;
  readonly seq?: number;
  readonly ack?: number;
  /** Bits of the flags byte: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128. */
  readonly flags: number;
  readonly window?: number;
  readonly urgent?: number;
  /** Padded with no-operations to a multiple of four. */
  readonly options?: Bytes;
  /** Header length in words, when it is to be wrong. */
  readonly dataOffset?: number;
}

export function tcp(fields: TcpFields, payload: Bytes = [], ends: Ends = {}): Uint8Array {
  const given = fields.options ?? [];
  const options = bytes(given, new Array<number>((4 - (given.length % 4)) % 4).fill(1));
  const segment = bytes(
    u16(fields.sport ?? 40000, fields.dport ?? 80),
    u32(fields.seq ?? 1000, fields.ack ?? 0),
    [(fields.dataOffset ?? 5 + options.length / 4) << 4, fields.flags],
    u16(fields.window ?? 64240, 0, fields.urgent ?? 0),
    options,
    payload,
  );
  const pseudo = pseudoHeader(ends, IP_PROTOCOL.tcp, segment.length);
  segment.set(u16(internetChecksum(pseudo, segment)), 16);
  return segment;
}

export interface UdpFields {
  readonly sport?: number;
  readonly dport?: number;
  readonly length?: number;
  readonly checksum?: number;
}

export function udp(fields: UdpFields, payload: Bytes = [], ends: Ends = {}): Uint8Array {
  const datagram = bytes(
    u16(fields.sport ?? 40000, fields.dport ?? 9, fields.length ?? 8 + payload.length, 0),
    payload,
  );
  const pseudo = pseudoHeader(ends, IP_PROTOCOL.udp, datagram.length);
  datagram.set(u16(fields.checksum ?? (internetChecksum(pseudo, datagram) || 0xffff)), 6);
  return datagram;
}

/** `rest` starts behind the checksum. */
export function icmp(type: number, code: number, rest: Bytes): Uint8Array {
  const message = bytes([type, code], u16(0), rest);
  message.set(u16(internetChecksum(message)), 2);
  return message;
}

/** `rest` starts behind the checksum. */
export function icmp6(type: number, code: number, rest: Bytes, ends: Ends = {}): Uint8Array {
  const message = bytes([type, code], u16(0), rest);
  const pseudo = pseudoHeader({ version: 6, ...ends }, IP_PROTOCOL.icmp6, message.length);
  message.set(u16(internetChecksum(pseudo, message)), 2);
  return message;
}

export interface CapturedPacket {
  readonly data: Uint8Array;
  /** Length on the wire when the data was cut. */
  readonly wireLength?: number;
}

/** A pcap file with nanosecond time stamps, one second apart from the epoch on. */
export function pcapFile(
  packets: readonly CapturedPacket[],
  linkType: 'ethernet' | 'raw' = 'ethernet',
): Uint8Array {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b23c4d, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262144, 16);
  header.writeUInt32LE(linkType === 'ethernet' ? 1 : 101, 20);
  const records = packets.map(({ data, wireLength }, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(i, 0);
    record.writeUInt32LE(data.length, 8);
    record.writeUInt32LE(wireLength ?? data.length, 12);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, ...records]);
}
