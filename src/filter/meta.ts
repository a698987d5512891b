import { FIRST_NEGATIVE, SKF_AD_OFF } from './opcodes.ts';

/** What a cBPF program can ask about a packet beside its bytes, by the names of the C text. */
export type MetaField =
  | 'protocol'
  | 'pkttype'
  | 'ifindex'
  | 'mark'
  | 'queue'
  | 'hatype'
  | 'rxhash'
  | 'cpu'
  | 'vlan_tci'
  | 'vlan_present'
  | 'random'
  | 'vlan_tpid';

interface Extension {
  /** bpf_image()'s name for it. */
  readonly name: string;
  readonly field?: MetaField;
  /** Most that it can be. */
  readonly max?: number;
}

/** SKF_AD_* of include/uapi/linux/filter.h, in steps of 4; without a field: no compiler of expressions emits it. */
const EXTENSIONS: readonly Extension[] = [
  { name: 'proto', field: 'protocol', max: 0xffff },
  { name: 'type', field: 'pkttype', max: 7 },
  { name: 'ifidx', field: 'ifindex', max: 0xffff_ffff },
  { name: 'nla' },
  { name: 'nlan' },
  { name: 'mark', field: 'mark', max: 0xffff_ffff },
  { name: 'queue', field: 'queue', max: 0xffff },
  { name: 'hatype', field: 'hatype', max: 0xffff },
  { name: 'rxhash', field: 'rxhash', max: 0xffff_ffff },
  { name: 'cpu', field: 'cpu', max: 0xffff_ffff },
  { name: 'xor_x' },
  { name: 'vlan_tci', field: 'vlan_tci', max: 0xffff },
  { name: 'vlanp', field: 'vlan_present', max: 1 },
  { name: 'poff' },
  { name: 'random', field: 'random', max: 0xffff_ffff },
  { name: 'vlan_tpid', field: 'vlan_tpid', max: 0xffff },
];

const extensionAt = (k: number): Extension | undefined =>
  k >= SKF_AD_OFF && (k - SKF_AD_OFF) % 4 === 0 ? EXTENSIONS[(k - SKF_AD_OFF) / 4] : undefined;

/** tcpdump's name of an offset that is no packet byte. */
export const extensionName = (k: number): string | undefined => extensionAt(k)?.name;

/** What an absolute load of offset `k` asks for; the load's size means nothing (bpf_anc_helper()). */
export const metaField = (k: number): MetaField | undefined => extensionAt(k)?.field;

/** Linux gives it a meaning that is not translated. */
export const isForeignExtension = (k: number): boolean =>
  extensionAt(k) !== undefined && metaField(k) === undefined;

export const metaMax = (field: MetaField): number =>
  EXTENSIONS.find((extension) => extension.field === field)?.max ?? 0xffff_ffff;

/** The offset that loads a field: for programs that are made here. */
export const metaOffset = (field: MetaField): number =>
  SKF_AD_OFF + 4 * EXTENSIONS.findIndex((extension) => extension.field === field);

/** An absolute load of a place before the packet never succeeds (bpf_filter() of libpcap). */
export const isNegative = (k: number): boolean => k >= FIRST_NEGATIVE;
