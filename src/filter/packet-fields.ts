import { address4, MEANINGS, type Kind } from './field-values.ts';

/** Values that were tested for on the ways here, by what was loaded: `12:2` is two bytes at 12. */
export type Known = ReadonlyMap<string, ReadonlySet<number>>;

/** The one value that a field must have; undefined when there are several or any. */
function only(known: Known, loaded: string): number | undefined {
  const [value, ...others] = known.get(loaded) ?? [];
  return others.length === 0 ? value : undefined;
}

const isTag = (values: ReadonlySet<number> | undefined): boolean =>
  values !== undefined && [...values].every((value) => VLAN_TYPES.has(value));

interface Field {
  readonly at: number;
  readonly size: number;
  readonly name: string;
  readonly kind?: Kind;
}

const field = (at: number, size: number, name: string, kind?: Kind): Field =>
  kind === undefined ? { at, size, name } : { at, size, name, kind };

/** X holds the length of the IPv4 header. */
export const BEHIND_IP = 'ip-header';

const IPV4: readonly Field[] = [
  field(0, 1, 'IP version and header length'),
  field(1, 1, 'IP type of service'),
  field(2, 2, 'IP total length', 'number'),
  field(4, 2, 'IP identification'),
  field(6, 2, 'IP flags and fragment offset', 'fragment'),
  field(8, 1, 'IP time to live', 'number'),
  field(9, 1, 'IP protocol', 'protocol'),
  field(10, 2, 'IP checksum'),
  field(12, 4, 'IP source address', 'address'),
  field(16, 4, 'IP destination address', 'address'),
];
const IPV6: readonly Field[] = [
  field(0, 4, 'IPv6 version, class and flow'),
  field(4, 2, 'IPv6 payload length', 'number'),
  field(6, 1, 'IPv6 next header', 'protocol'),
  field(7, 1, 'IPv6 hop limit', 'number'),
  field(8, 16, 'IPv6 source address'),
  field(24, 16, 'IPv6 destination address'),
];
const ARP: readonly Field[] = [
  field(0, 2, 'ARP hardware type'),
  field(6, 2, 'ARP operation', 'number'),
  field(14, 4, 'ARP sender address', 'address'),
  field(24, 4, 'ARP target address', 'address'),
];
const PORTS = (name: string): readonly Field[] => [
  field(0, 2, `${name} source port`, 'number'),
  field(2, 2, `${name} destination port`, 'number'),
];
const TRANSPORT: ReadonlyMap<number, readonly Field[]> = new Map([
  [1, [field(0, 1, 'ICMP type', 'number'), field(1, 1, 'ICMP code', 'number')]],
  [58, [field(0, 1, 'ICMPv6 type', 'number'), field(1, 1, 'ICMPv6 code', 'number')]],
  [6, [...PORTS('TCP'), field(12, 1, 'TCP data offset'), field(13, 1, 'TCP flags')]],
  [17, [...PORTS('UDP'), field(4, 2, 'UDP length', 'number')]],
  [132, PORTS('SCTP')],
]);

const VLAN_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);

/** Where a link type keeps the network protocol, and where what it says begins. */
const LINK: ReadonlyMap<number, { readonly fields: readonly Field[]; readonly length: number }> =
  new Map([
    [
      1,
      {
        fields: [
          field(0, 6, 'Ethernet destination'),
          field(6, 6, 'Ethernet source'),
          field(12, 2, 'Ethernet type', 'ethertype'),
        ],
        length: 14,
      },
    ],
    [
      113,
      { fields: [field(0, 2, 'direction'), field(14, 2, 'protocol', 'ethertype')], length: 16 },
    ],
    [
      276,
      { fields: [field(0, 2, 'protocol', 'ethertype'), field(10, 1, 'direction')], length: 20 },
    ],
    [0, { fields: [field(0, 4, 'protocol family')], length: 4 }],
    [9, { fields: [field(2, 2, 'PPP protocol', 'ppp')], length: 4 }],
    [12, { fields: [], length: 0 }],
    [228, { fields: [], length: 0 }],
    [229, { fields: [], length: 0 }],
  ]);

const moved = (fields: readonly Field[], by: number): readonly Field[] =>
  fields.map((each) => ({ ...each, at: each.at + by }));

/** The headers of a packet as far as the tests so far tell. */
function fieldsOf(linkType: number, known: Known): readonly Field[] {
  const link = LINK.get(linkType);
  if (link === undefined) return [];
  const fields = [...link.fields];
  let network = link.length;
  let type = typeOf(link.fields, known);
  let place = `${link.fields.find(({ kind }) => kind === 'ethertype')?.at ?? ''}:2`;
  while (isTag(known.get(place))) {
    fields.push(field(network, 2, 'VLAN tag', 'vlan'));
    fields.push(field(network + 2, 2, 'Ethernet type behind the tag', 'ethertype'));
    place = `${network + 2}:2`;
    type = only(known, place);
    network += 4;
  }
  if (type === 0x8847 || type === 0x8848) return [...fields, field(network, 4, 'MPLS label')];
  if (type === 0x8864) {
    return [
      ...fields,
      field(network + 2, 2, 'PPPoE session', 'number'),
      field(network + 6, 2, 'PPP protocol', 'ppp'),
    ];
  }
  const version = versionOf(linkType, type, known);
  if (type === 0x0806 || type === 0x8035) return [...fields, ...moved(ARP, network)];
  if (version === 4) return [...fields, ...moved(IPV4, network)];
  if (version === 6) {
    const next = only(known, `${network + 6}:1`);
    const transport = TRANSPORT.get(next ?? -1) ?? [];
    return [...fields, ...moved(IPV6, network), ...moved(transport, network + 40)];
  }
  return link.length === 0 ? [...fields, field(0, 1, 'IP version and header length')] : fields;
}

function typeOf(fields: readonly Field[], known: Known): number | undefined {
  const place = fields.find(({ kind }) => kind === 'ethertype' || kind === 'ppp');
  const value = place && only(known, `${place.at}:${place.size}`);
  if (place?.kind !== 'ppp') return value;
  return value === 0x21 ? 0x0800 : value === 0x57 ? 0x86dd : value;
}

function versionOf(linkType: number, type: number | undefined, known: Known): 4 | 6 | undefined {
  if (linkType === 228 || type === 0x0800) return 4;
  if (linkType === 229 || type === 0x86dd) return 6;
  if (linkType === 12) {
    const nibble = only(known, '0:1&240');
    return nibble === 0x40 ? 4 : nibble === 0x60 ? 6 : undefined;
  }
  const family = only(known, '0:4');
  if (linkType !== 0 || family === undefined) return undefined;
  // AF_INET, in the order of the host that wrote it; every other family that is tested is IPv6's.
  return family === 2 || family === 0x0200_0000 ? 4 : 6;
}

/** Fields behind an IPv4 header whose length X holds: their places are those without it. */
function behindIp(linkType: number, known: Known): readonly Field[] {
  const protocol = fieldsOf(linkType, known).find(({ name }) => name === 'IP protocol');
  if (protocol === undefined) return [];
  const value = only(known, `${protocol.at}:1`);
  // Ports lie at the same place in all that have them.
  const fields = value === undefined ? PORTS('transport') : (TRANSPORT.get(value) ?? []);
  return moved(fields, protocol.at - 9);
}

/**
 * What a load looks at.
 *
 * @param base BEHIND_IP when X is added
 */
export function fieldAt(
  linkType: number,
  known: Known,
  at: number,
  size: number,
  base?: string,
): string | undefined {
  const found = find(linkType, known, at, size, base);
  if (found === undefined) return undefined;
  if (found.at === at && found.size === size) return found.name;
  const first = at - found.at;
  return size === 1
    ? `${found.name}, byte ${first}`
    : `${found.name}, bytes ${first} to ${first + size - 1}`;
}

function find(
  linkType: number,
  known: Known,
  at: number,
  size: number,
  base: string | undefined,
): Field | undefined {
  if (base !== undefined && base !== BEHIND_IP) return undefined;
  const fields = base === undefined ? fieldsOf(linkType, known) : behindIp(linkType, known);
  return fields.find((each) => each.at <= at && at + size <= each.at + each.size);
}

/** What a number stands for that a loaded field is compared with; '' where it speaks for itself. */
export function describeValue(
  linkType: number,
  known: Known,
  loaded: string | undefined,
  value: number,
): string {
  const [, base, at = '', size = '', mask] =
    /^(?:([a-z-]+)\+)?(\d+):(\d)(?:&(\d+))?$/.exec(loaded ?? '') ?? [];
  if (at === '') return '';
  const found = find(linkType, known, Number(at), Number(size), base);
  if (mask === '240' && found?.name === 'IP version and header length') return `IPv${value >> 4}`;
  if (found?.kind === undefined) {
    return found !== undefined && size === '4' && /^IPv6/.test(found.name) ? colons(value) : '';
  }
  return found.kind === 'address' ? address4(value) : (MEANINGS[found.kind](value) ?? '');
}

const colons = (value: number): string =>
  `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
