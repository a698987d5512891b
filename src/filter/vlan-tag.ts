import { metaOffset } from './meta.ts';
import type { Token } from './tokenise.ts';

/** After these, libpcap looks for the tag in the inner packet's bytes only. */
const ENCAPSULATIONS: ReadonlySet<string> = new Set(['geneve', 'vxlan']);

/**
 * An Ethernet expression for packets whose outer VLAN tag the kernel keeps beside the bytes
 * (offloaded). libpcap emits code that asks for that tag only for a live Linux handle: there the
 * expression's first `vlan [N]` is true by that tag, and everything else means the bytes, in which
 * nothing is shifted then (gen_vlan_bpf_extensions() of libpcap's gencode.c). So that first term
 * becomes a test of the tag, which libpcap spells as it does any byte access.
 *
 * @returns undefined when the tag has no say
 */
export function forOffloadedTag(tokens: readonly Token[]): string | undefined {
  const words = tokens.map(({ text }) => text);
  const at = words.findIndex((word) => word === 'vlan' || ENCAPSULATIONS.has(word));
  if (words[at] !== 'vlan') return undefined;
  const number = numberAfter(words, at + 1);
  // Constant and true: libpcap has no word for that.
  const test =
    number === undefined
      ? '( 1 = 1 )'
      : `( ether [ ${metaOffset('vlan_tci')} : 2 ] & 0xfff = ${number.text} )`;
  return [...words.slice(0, at), test, ...words.slice(number?.next ?? at + 1)].join(' ');
}

/** A tag's number, maybe in brackets: `vlan ((10))`. */
function numberAfter(
  words: readonly string[],
  from: number,
): { readonly text: string; readonly next: number } | undefined {
  let at = from;
  while (words[at] === '(') at += 1;
  const text = words[at] ?? '';
  if (!/^\d/.test(text)) return undefined;
  return { text, next: at + 1 + (at - from) };
}
