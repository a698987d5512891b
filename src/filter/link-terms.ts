import type { Part } from './parts.ts';

/** Words whose terms are about a link header, or about what stands between it and the network header. */
const LINK_WORDS: ReadonlySet<string> = new Set([
  ...['ether', 'link', 'fddi', 'tr', 'wlan', 'broadcast', 'multicast', 'llc', 'lane', 'oam'],
  ...['vlan', 'mpls', 'pppoed', 'pppoes', 'type', 'subtype', 'dir', 'direction', 'aarp'],
]);
/** libpcap takes these for raw IP, as false; but what follows would be looked for behind their header. */
const SHIFTING: ReadonlySet<string> = new Set(['pppoed', 'pppoes']);

/** No packet, in words that libpcap takes for every link type. */
const FALSE: Part = { kind: 'term', words: ['(', '1', '=', '0', ')'] };

/**
 * For packets that have no link header: each term about one is replaced by a false one, so that
 * the rest still counts, and its negation is true.
 *
 * @param accepts says whether libpcap takes a term for such packets
 * @returns undefined when there is no such term
 */
export function withoutLinkTerms(
  parts: readonly Part[],
  accepts: (term: string) => boolean,
): readonly Part[] | undefined {
  const isFalse = (part: Part): boolean => {
    if (part.kind === 'glue' || !part.words.some((word) => LINK_WORDS.has(word))) return false;
    const { words } = part;
    return SHIFTING.has(words[0] ?? '') || readsLinkBytes(words) || !accepts(words.join(' '));
  };
  return parts.some(isFalse) ? parts.map((part) => (isFalse(part) ? FALSE : part)) : undefined;
}

/** libpcap takes `ether[0]` for any link type: the packet's first byte then. */
const readsLinkBytes = (words: readonly string[]): boolean =>
  words.some((word, i) => LINK_WORDS.has(word) && words[i + 1] === '[');

/** As text, each term in brackets. */
export const writeParts = (parts: readonly Part[]): string =>
  parts.map((part) => (part.kind === 'glue' ? part.text : `( ${part.words.join(' ')} )`)).join(' ');
