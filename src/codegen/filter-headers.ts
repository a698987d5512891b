import type { FilterPair } from '../filter/compile-expression.ts';
import type { InnerFilter } from '../filter/compile-inner.ts';
import type { CompiledFilter } from '../filter/compiler.ts';
import type { PagedSource } from '../kernel/paged-source.ts';
import type { UserC } from '../user-c/user-c.ts';
import { flag } from './flag.ts';
import type { ProgramInput } from './program-input.ts';

/** All that the filters look at beyond it is lost: one that asks for more says so by its counter. */
const FILTER_GATHERS_LIMIT = 16383;

/** All that look at a packet's bytes. */
type Filters = Pick<ProgramInput, 'filter' | 'inner'> & {
  readonly userC: Pick<UserC, 'filter'>;
};

/** Bytes that the filters may ask for of a packet with paged data. */
export function filterGathers(filters: Filters, paged: PagedSource): number {
  return paged.kind === 'none' ? 0 : filterReach(filters);
}

/** Bytes that the filters may ask for of a packet that has to be put together first. */
export function filterReach(filters: Filters): number {
  return Math.min(FILTER_GATHERS_LIMIT, reachOf(filters));
}

const functionsOf = ({ l2, l2Tagged, l3 }: FilterPair): readonly CompiledFilter[] =>
  [l2, l2Tagged, l3].filter((filter) => filter !== undefined);

/** Nobody knows what they look at. */
const ANYWHERE = 0xffff_ffff;

/** Ethernet, two tags, the longest IPv4 header, UDP, Geneve with all of its options; and some more. */
const TUNNEL_HEADERS = 384;

/** Bytes that any of the functions can look at. */
export function reachOf({ filter, inner, userC }: Filters): number {
  if (userC.filter !== undefined) return ANYWHERE;
  const reach = (pair: FilterPair): number =>
    Math.max(...functionsOf(pair).map(({ reachBytes = ANYWHERE }) => reachBytes));
  return Math.max(
    filter === undefined ? 0 : reach(filter),
    inner === undefined ? 0 : TUNNEL_HEADERS,
    inner?.filter === undefined ? 0 : Math.min(ANYWHERE, TUNNEL_HEADERS + reach(inner.filter)),
  );
}

/** `filter.gen.h` */
export function filterHeader(filter: FilterPair | undefined): string {
  if (filter === undefined) return '#define XCAP_FILTER 0\n';
  const functions = functionsOf(filter);
  return [
    '#define XCAP_FILTER 1',
    `#define XCAP_FILTER_L3 ${flag(filter.l3 !== undefined)}`,
    `#define XCAP_FILTER_L2_TAGGED ${flag(filter.l2Tagged !== undefined)}`,
    `#define XCAP_FILTER_WINDOW ${Math.max(8, ...functions.map((f) => f.windowBytes))}`,
    '',
    ...functions.map((f) => f.text),
  ].join('\n');
}

/** `inner.gen.h` */
export function innerHeader(inner: InnerFilter | undefined): string {
  if (inner === undefined) return '#define XCAP_INNER 0\n';
  if (inner.filter === undefined) return '#define XCAP_INNER 1\n#define XCAP_INNER_FILTER 0\n';
  const { l2, l3 } = inner.filter;
  const functions = [l2, l3].filter((filter) => filter !== undefined);
  return [
    '#define XCAP_INNER 1',
    '#define XCAP_INNER_FILTER 1',
    `#define XCAP_INNER_L3 ${flag(l3 !== undefined)}`,
    `#define XCAP_INNER_WINDOW ${Math.max(8, ...functions.map((f) => f.windowBytes))}`,
    '',
    ...functions.map((f) => f.text),
  ].join('\n');
}
