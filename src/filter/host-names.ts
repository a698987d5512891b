import type { Token } from './tokenise.ts';

/** Words after which a name is a host's, which libpcap asks the resolver for. */
const HOST = new Set(['host', 'src', 'dst', 'gateway']);
/** Words after which a name is looked up in a local file, or is no name. */
const LOCAL = new Set([
  'net',
  'mask',
  'port',
  'portrange',
  'proto',
  'protochain',
  'type',
  'subtype',
]);
/** Words before `host` that make it a link-layer address. */
const LINK = new Set(['ether', 'link', 'fddi', 'tr', 'wlan', 'ppp', 'slip', 'decnet']);
const CONNECTIVE = new Set(['and', 'or', 'not']);
/** libpcap's other words (scanner.l): none is a host's name. */
const KEYWORDS = new Set(
  (
    'arp rarp ip ip6 sctp tcp udp icmp icmp6 igmp igrp pim vrrp carp ah esp radio atalk aarp lat sca ' +
    'moprc mopdl iso esis es-is isis is-is l1 l2 iih lsp snp csnp psnp clnp stp ipx netbeui less greater ' +
    'byte broadcast multicast len length inbound outbound ifindex vlan mpls pppoed pppoes geneve lane ' +
    'llc direction dir ra ta addr1 addr2 addr3 addr4'
  ).split(' '),
);

/**
 * The texts of tokens with host names replaced by an address, so that libpcap can be asked about
 * parts of an expression without asking a name server each time.
 */
export function hideHostNames(tokens: readonly Token[]): readonly string[] {
  let family: 'ip6' | 'link' | undefined;
  let kind: 'host' | 'local' | undefined;
  return tokens.map(({ kind: tokenKind, text }) => {
    if (tokenKind !== 'word') {
      if (text !== '(' && text !== ')' && text !== '!') kind = undefined;
      return text;
    }
    if (HOST.has(text)) kind = 'host';
    else if (LOCAL.has(text)) kind = 'local';
    else if (LINK.has(text)) [family, kind] = ['link', undefined];
    else if (KEYWORDS.has(text)) [family, kind] = [text === 'ip6' ? 'ip6' : undefined, undefined];
    else if (!CONNECTIVE.has(text) && kind === 'host' && family !== 'link' && isName(text)) {
      return family === 'ip6' ? '::1' : '0.0.0.0';
    }
    return text;
  });
}

/** Whether a word begins or qualifies a term, and so is neither a name nor an address. */
export const isKeyword = (text: string): boolean =>
  HOST.has(text) || LOCAL.has(text) || LINK.has(text) || KEYWORDS.has(text);

/** Not a number, nor an address in figures. */
const isName = (text: string): boolean =>
  /[g-zG-Z]/.test(text) ||
  (/[a-z]/i.test(text) && !/[:.]/.test(text) && !/^(?:0x)?[\da-f]+$/i.test(text));
