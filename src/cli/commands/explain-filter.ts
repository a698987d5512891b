import { openLibpcap } from '../../ffi/libpcap.ts';
import type { CompiledFilter } from '../../filter/compiler.ts';
import { annotate } from '../../filter/explain.ts';
import { linkFilter } from '../file-filters.ts';
import { linkTypeName } from '../link-types.ts';

const ETHERNET = 1;
const RAW = 12;

/** `--explain`: for packets with and without a link header, or for the one link type asked for. */
export function explainLines(expression: string, linkType: number | undefined): readonly string[] {
  const pcap = openLibpcap();
  return [
    `expression: ${expression}`,
    ...(linkType === undefined ? [ETHERNET, RAW] : [linkType]).flatMap((each) => {
      const heading = ['', `for link type ${linkTypeName(each)}${WHICH.get(each) ?? ''}:`];
      const filter = linkFilter(expression, each, pcap);
      if ('refusal' in filter) return [...heading, '', `  libpcap: ${filter.refusal}`];
      return [
        ...heading,
        '',
        ...annotate(filter.program, each).map((line) => `  ${line}`),
        '',
        ...costLines(filter.filter).map((line) => `  ${line}`),
        '',
        ...filter.filter.text.trimEnd().split('\n'),
      ];
    }),
  ];
}

const WHICH: ReadonlyMap<number, string> = new Map([
  [ETHERNET, ' (packets that start at an Ethernet header)'],
  [RAW, ' (packets that start at an IP header)'],
]);

function costLines(filter: CompiledFilter): readonly string[] {
  const { cost, reachBytes, constant } = filter;
  if (constant !== undefined) {
    return [`reads: nothing: ${constant === 'all' ? 'every packet matches' : 'no packet matches'}`];
  }
  const { window, worstReads, worstReadsBefore512 } = cost;
  const fetched =
    window === undefined
      ? 'reads: no window'
      : `reads: ${window.bytes} bytes at once, from byte ${window.first} on`;
  const most = `at most ${plural(worstReads)} of packet memory for a packet`;
  const older =
    worstReadsBefore512 === worstReads ? '' : ` (${worstReadsBefore512} on kernels before 5.12)`;
  const reach =
    reachBytes === undefined
      ? 'bytes that have a say: any, at places that the packet itself tells'
      : `bytes that have a say: none behind byte ${reachBytes}`;
  return [`${fetched}; ${most}${older}`, reach];
}

const plural = (reads: number): string => `${reads} read${reads === 1 ? '' : 's'}`;
