/** The rules of `nft -a -s -t list ruleset`, by the numbers that the kernel knows them by. */
export interface NftRuleset {
  rule(table: bigint, handle: bigint): string | undefined;
  /** iptables-nft made the table. */
  isIptables(table: bigint): boolean;
  /** Chains that packets enter by. */
  readonly baseChains: readonly NftBaseChain[];
}

export interface NftBaseChain {
  readonly family: string;
  readonly table: string;
  /** Handle of the table. */
  readonly tableHandle: bigint;
  readonly chain: string;
  /** `filter`, `nat`, `route`. */
  readonly type: string;
  readonly hook: string;
}

const TABLE = /^table (\S+) (.+) \{ # handle (\d+)$/;
const CHAIN = /^\tchain (.+) \{ # handle \d+$/;
/** The tables of iptables-nft, and their base chains: nft warns only of those with extensions of xtables. */
const IPTABLES_TABLE = /^ip6? (?:filter|nat|mangle|raw|security)$/;
const IPTABLES_CHAIN = /^(?:PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/;
const BASE_CHAIN = /^type (\w+) hook (\w+)/;
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
  let place = { family: '', table: '' };
  const baseChains: NftBaseChain[] = [];
  let pending: string[] = [];
  for (const line of text.split('\n')) {
    const opened = TABLE.exec(line);
    if (opened !== null) {
      table = BigInt(opened[3] ?? '0');
      place = { family: opened[1] ?? '', table: opened[2] ?? '' };
      if (managed.has(`${opened[1] ?? ''} ${opened[2] ?? ''}`)) iptables.add(table);
    } else if (line === '}') {
      table = undefined;
    } else if (line.startsWith('\t') && !line.startsWith('\t\t')) {
      chain = CHAIN.exec(line)?.[1];
      pending = [];
    } else if (table !== undefined && chain !== undefined) {
      const piece = line.trim();
      const base = pending.length === 0 ? BASE_CHAIN.exec(piece) : null;
      if (base !== null) {
        const [, type = '', hook = ''] = base;
        baseChains.push({ ...place, tableHandle: table, chain, type, hook });
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
  for (const { tableHandle, family, table: name } of baseChains) {
    const chains = baseChains.filter((each) => each.tableHandle === tableHandle);
    const isLike = chains.every(({ chain: each }) => IPTABLES_CHAIN.test(each));
    if (isLike && IPTABLES_TABLE.test(`${family} ${name}`)) iptables.add(tableHandle);
  }
  return {
    rule: (of, handle) => rules.get(`${of}/${handle}`),
    isIptables: (of) => iptables.has(of),
    baseChains,
  };
}
