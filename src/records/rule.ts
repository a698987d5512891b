/** Which rule a packet fell to, as far as it is known: docs/rules.md. */
export interface Rule {
  readonly by:
    | 'nftables'
    | 'iptables-nft'
    | 'ip6tables-nft'
    | 'iptables-legacy'
    | 'ip6tables-legacy'
    | 'tc'
    | 'xdp'
    | 'socket-filter';
  /** Of nftables: `ip`, `inet`, ... */
  readonly family?: string | undefined;
  readonly table?: string | undefined;
  readonly chain?: string | undefined;
  /** Of netfilter: `input`. */
  readonly hook?: string | undefined;
  /** As `nft -a` prints it. */
  readonly handle?: number | undefined;
  /** In its chain, from 1. */
  readonly number?: number | undefined;
  /** No rule decided: the chain's policy did. */
  readonly policy?: boolean | undefined;
  /** As the tool prints it. */
  readonly text?: string | undefined;
  /** Of tc: the kind of classifier, and its preference. */
  readonly classifier?: string | undefined;
  readonly pref?: number | undefined;
  /** Inode number of the socket whose filter it was. */
  readonly socket?: number | undefined;
  /** Id of a BPF program. */
  readonly program?: number | undefined;
  /** Why there is no rule, or no text. */
  readonly unknown?: string | undefined;
}

/** In one line: `nftables inet t in handle 3: tcp dport 22 drop`. */
export function ruleText(rule: Rule): string {
  const { by, family, table, chain, handle, number, policy, text, unknown } = rule;
  const { classifier, pref, socket, program, hook } = rule;
  const isNft = by === 'nftables' || by.endsWith('-nft');
  const words: (string | undefined)[] = [by, isNft ? family : undefined, table];
  if (chain !== undefined) words.push(by === 'tc' ? `chain ${chain}` : chain);
  else if (hook !== undefined) words.push(`hook ${hook}`);
  if (handle !== undefined) words.push(`handle ${handle}`);
  else if (number !== undefined) words.push(String(number));
  if (classifier !== undefined) words.push(classifier);
  if (pref !== undefined) words.push(`pref ${pref}`);
  if (socket !== undefined) words.push(`socket ${socket}`);
  if (program !== undefined) words.push(`program ${program}`);
  const place = words.filter((word) => word !== undefined && word !== '').join(' ');
  if (policy === true) return `${place}: policy`;
  if (text !== undefined) return `${place}: ${text}`;
  return unknown === undefined ? place : `${place} (${unknown})`;
}
