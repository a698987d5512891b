import { NFT_CHANGE, type RawRule } from '../abi/rules.ts';
import type { Rule } from '../records/rule.ts';
import { NFPROTO_IPV6, type Rulesets } from './rulesets.ts';

/** NFPROTO_* as nft names families: include/uapi/linux/netfilter.h. */
const FAMILIES: Readonly<Record<number, string>> = {
  1: 'inet',
  2: 'ip',
  3: 'arp',
  5: 'netdev',
  7: 'bridge',
  10: 'ip6',
};
const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress'];
const DEVICE_HOOKS = ['ingress', 'egress'];
const ARP_HOOKS = ['input', 'output', 'forward'];

/** Drop reasons that go with each kind: what has another was freed by something else, later. */
const REASONS: Readonly<Record<RawRule['kind'], RegExp>> = {
  nft: /^NETFILTER_DROP$/,
  xt: /^NETFILTER_DROP$/,
  tc: /^(?:TC_|QDISC_)/,
  xdp: /^(?:XDP|NOT_SPECIFIED)$/,
  filter: /^SOCKET_FILTER$/,
};

/**
 * What the program found, in words, with the rule's text where it can be had.
 *
 * @param reason as the kernel names it; undefined where it has none
 * @param unwatched modules that were loaded after the start, and what could not be watched
 */
export function describeRule(
  raw: RawRule,
  reason: string | undefined,
  rulesets: Rulesets,
  unwatched: () => readonly string[] = () => [],
): Rule | undefined {
  if (reason !== undefined && !REASONS[raw.kind].test(reason)) return undefined;
  switch (raw.kind) {
    case 'nft':
      return describeNft(raw, rulesets, unwatched);
    case 'xt':
      return describeXt(raw, rulesets);
    case 'tc':
      return describeClassifier(raw);
    case 'xdp':
      return {
        by: 'xdp',
        program: raw.program,
        unknown: raw.how === 'rule' ? undefined : 'or there was no memory to run it',
      };
    case 'filter':
      return describeFilter(raw);
  }
}

function describeNft(raw: RawRule, rulesets: Rulesets, unwatched: () => readonly string[]): Rule {
  const { how, netns, tableHandle, ruleHandle, number } = raw;
  if (raw.table === '') return describeEntered(raw, rulesets, unwatched);
  const family = FAMILIES[raw.family] ?? String(raw.family);
  const listed = rulesets.nft(netns, tableHandle, ruleHandle);
  const place = {
    by: nftTool(listed.isIptables === true, family),
    family,
    table: raw.table,
    chain: raw.chain,
    hook: hookName(raw),
  } as const;
  switch (how) {
    case 'policy': {
      // That no expression gave the verdict is all that tells of a policy.
      const missing = unwatched();
      if (missing.length === 0) return { ...place, policy: true };
      return { ...place, unknown: `rule or policy not known: not watched: ${missing.join(', ')}` };
    }
    case 'unknown':
      return { ...place, unknown: 'rule not known' };
    case 'rule':
      return {
        ...place,
        handle: Number(ruleHandle),
        number,
        text: listed.text,
        unknown: listed.text === undefined ? `no text: ${listed.why ?? ''}` : undefined,
      };
  }
}

/** Chains of other families than those of IP begin elsewhere: include/uapi/linux/netfilter_arp.h. */
function hookName({ family, hook }: RawRule): string | undefined {
  switch (FAMILIES[family]) {
    case 'netdev':
      return DEVICE_HOOKS[hook];
    case 'arp':
      return ARP_HOOKS[hook];
    default:
      return HOOKS[hook];
  }
}

/** Not counted, or just changing. */
const NO_GENERATION = 0xffff_ffff_ffff_ffffn;

/** All that is known where nf_tables has no types: but if there is only one chain to enter by, it was that. */
function describeEntered(
  raw: RawRule,
  rulesets: Rulesets,
  unwatched: () => readonly string[],
): Rule {
  const { netns, generation } = raw;
  const family = FAMILIES[raw.family];
  const hook = hookName(raw);
  const counted =
    generation !== NO_GENERATION && !unwatched().some((place) => place.startsWith(NFT_CHANGE));
  // Chains of devices go with their devices, which nobody counts.
  const chain =
    family === undefined || hook === undefined || DEVICE_HOOKS.includes(hook) || !counted
      ? undefined
      : rulesets.nftChain(netns, family, hook, generation);
  if (chain === undefined) {
    const unknown = 'table, chain and rule not known: no types of nf_tables';
    return { by: 'nftables', family, hook, unknown };
  }
  return {
    by: nftTool(chain.isIptables, family),
    ...{ family, table: chain.table, chain: chain.chain, hook },
    unknown: 'or a chain that it leads to; rule not known',
  };
}

/** Who made a table. */
function nftTool(isIptables: boolean, family: string | undefined): Rule['by'] {
  if (!isIptables) return 'nftables';
  return family === 'ip6' ? 'ip6tables-nft' : 'iptables-nft';
}

function describeClassifier({ how, table, number, generation, program }: RawRule): Rule {
  if (how !== 'rule') return { by: 'tc', unknown: 'classifier not known' };
  return {
    by: 'tc',
    chain: String(generation),
    classifier: table,
    pref: number,
    program: program === 0 ? undefined : program,
  };
}

function describeFilter({ how, ruleHandle, program }: RawRule): Rule {
  return {
    by: 'socket-filter',
    socket: ruleHandle === 0n ? undefined : Number(ruleHandle),
    program: program === 0 ? undefined : program,
    unknown: how === 'rule' ? undefined : 'it has none: its cgroup or a security module',
  };
}

function describeXt(raw: RawRule, rulesets: Rulesets): Rule {
  const { how, netns, family, table, chain, number, generation } = raw;
  const place = {
    by: family === NFPROTO_IPV6 ? 'ip6tables-legacy' : 'iptables-legacy',
    table,
    chain,
    hook: HOOKS[raw.hook],
  } as const;
  switch (how) {
    case 'policy':
      return { ...place, policy: true };
    case 'unknown':
      return { ...place, unknown: 'or a chain that it leads to; rule not known' };
    case 'rule': {
      const { text, why = '' } = rulesets.xt(netns, family, table, chain, number, generation);
      return {
        ...place,
        number,
        text,
        unknown: text === undefined ? `no text: ${why}` : undefined,
      };
    }
  }
}
