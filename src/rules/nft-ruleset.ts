/** The rules of `nft -a -s -t list ruleset`, by the numbers that the kernel knows them by. */
export interface NftRuleset {
  rule(table: bigint, handle: bigint): string | undefined;
  /** iptables-nft made the table. */
  isIptables(table: bigint): boolean;
}

const TABLE = /^table (\S+) (.+) \{ # handle (\d+)$/;
const CHAIN = /^\tchain (.+) \{ # handle \d+$/;
/** The tables of iptables-nft, and their base chains: nft warns only of those with extensions of xtables. */
const IPTABLES_TABLE = /^ip6? (?:filter|nat|mangle|raw|security)$/;
const IPTABLES_CHAIN = /^(?:PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/;
const RULE_END = /^(.*) # handle (\d+)$/;
const IPTABLES = /^# Warning: table (\S+ .+) is managed by (?:iptables|ip6tables)-nft/gm;

/**
 * Rules stand two tabs deep in their chain, and end with their handle; those with long sets take several
 * lines. A chain's own line `type ... policy drop;` has no handle.
 *
 * @param warnings what it said on standard error
 */
export function parseNftRuleset(text: string, warnings = ''): NftRuleset {
  const rules = new Map<string, string>();
  const managed = new Set([...`${warnings}\n${text}`.matchAll(IPTABLES)].map((match) => match[1]));
  const iptables = new Set<bigint>();
  let table: bigint | undefined;
  let chain: string | undefined;
  const baseChains = new Map<bigint, { readonly name: string; readonly chains: string[] }>();
  let pending: string[] = [];
  for (const line of text.split('\n')) {
    const opened = TABLE.exec(line);
    if (opened !== null) {
      table = BigInt(opened[3] ?? '0');
      baseChains.set(table, { name: `${opened[1] ?? ''} ${opened[2] ?? ''}`, chains: [] });
      if (managed.has(`${opened[1] ?? ''} ${opened[2] ?? ''}`)) iptables.add(table);
    } else if (line === '}') {
      table = undefined;
    } else if (line.startsWith('\t') && !line.startsWith('\t\t')) {
      chain = CHAIN.exec(line)?.[1];
      pending = [];
    } else if (table !== undefined && chain !== undefined) {
      const piece = line.trim();
      if (pending.length === 0 && /^type \w+ hook \w+/.test(piece)) {
        baseChains.get(table)?.chains.push(chain);
        continue;
      }
      const ended = RULE_END.exec(piece);
      if (ended === null) {
        pending.push(piece);
        continue;
      }
      rules.set(`${table}/${ended[2] ?? ''}`, [...pending, ended[1]].join(' '));
      pending = [];
    }
  }
  for (const [of, { name, chains }] of baseChains) {
    const isLike = chains.length > 0 && chains.every((each) => IPTABLES_CHAIN.test(each));
    if (isLike && IPTABLES_TABLE.test(name)) iptables.add(of);
  }
  return {
    rule: (of, handle) => rules.get(`${of}/${handle}`),
    isIptables: (of) => iptables.has(of),
  };
}
