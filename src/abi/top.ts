/**
 * The rows of `xcap top`: a map from what the events of a row have in common to how many there were.
 * The key has the members of the chosen dimensions and no others: hashing it is most of what an
 * event costs.
 */
import { FIELD_BYTES, layoutFields, type EventField, type FieldType } from './events.ts';

/** What can be counted by, in the order of the columns. */
export const TOP_DIMENSIONS = [
  'hook',
  'reason',
  'location',
  'iface',
  'netns',
  'comm',
  'flow',
] as const;
export type TopDimension = (typeof TOP_DIMENSIONS)[number];

type Row = readonly [
  name: string,
  type: FieldType,
  count: number,
  dimensions: readonly TopDimension[],
];

/** Wide ones first, so that whichever are left out the others are aligned. */
const ROWS: readonly Row[] = [
  ['location', 'u64', 1, ['location']],
  ['reason', 'u32', 1, ['reason']],
  // A device's name and number mean something in its namespace only.
  ['netns', 'u32', 1, ['netns', 'iface']],
  ['ifindex', 'u32', 1, ['iface']],
  // IPv4 in the first four bytes; the two are written by one read of an IPv6 header.
  ['source', 'u8', 16, ['flow']],
  ['destination', 'u8', 16, ['flow']],
  ['ifname', 'u8', 16, ['iface']],
  ['comm', 'u8', 16, ['comm']],
  ['source_port', 'u16', 1, ['flow']], // host order, both
  ['destination_port', 'u16', 1, ['flow']],
  ['ethertype', 'u16', 1, ['flow']],
  ['hook', 'u16', 1, ['hook']],
  ['protocol', 'u8', 1, ['flow']], // IPPROTO_*
  ['context', 'u8', 1, ['comm']], // XCAP_CONTEXT_*: the task of a softirq only happened to run
];

/** Members of a key; every byte of it belongs to one, for all of them are hashed. */
export function topKeyFields(by: readonly TopDimension[]): readonly EventField[] {
  const rows = ROWS.filter(([, , , dimensions]) => dimensions.some((each) => by.includes(each)));
  const bytes = rows.reduce((sum, [, type, count]) => sum + FIELD_BYTES[type] * count, 0);
  return layoutFields([
    ...rows.map(([name, type, count]) => [name, type, count] as const),
    // 1: the row of what had no room.
    ['other', 'u8'],
    ...(bytes % 8 === 7 ? [] : [['unused', 'u8', 7 - (bytes % 8)] as const]),
  ]);
}

export function topKeyBytes(by: readonly TopDimension[]): number {
  const last = topKeyFields(by).at(-1);
  return last === undefined ? 0 : last.offset + last.count * FIELD_BYTES[last.type];
}

/** struct xcap_top_sums: packets and bytes. */
export const TOP_SUMS_BYTES = 16;

/** The key of the row of what had no room. */
export function otherTopKey(by: readonly TopDimension[]): Uint8Array {
  const key = new Uint8Array(topKeyBytes(by));
  key[topKeyFields(by).find(({ name }) => name === 'other')?.offset ?? 0] = 1;
  return key;
}

/** Rows that are told apart unless the command line says otherwise. */
export const TOP_ROWS = 8192;
/** Of sums: each row has its own on each CPU. 8192 rows are 16 MiB on 128 CPUs. */
const SUMS_BYTES_MAX = 64 << 20;

/** Fewer on machines with very many CPUs: a counter must not take a host's memory. */
export function defaultTopRows(cpus: number): number {
  return Math.min(TOP_ROWS, Math.max(64, Math.floor(SUMS_BYTES_MAX / (TOP_SUMS_BYTES * cpus))));
}
