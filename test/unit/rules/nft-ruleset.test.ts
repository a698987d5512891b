import { describe, expect, it } from 'vitest';
import { parseNftRuleset } from '../../../src/rules/nft-ruleset.ts';

/** As nft 1.0.6 prints it for `-a -s -t list ruleset`; the lines of the long map as 1.1 breaks them. */
const LISTED = `table inet t { # handle 1
	set s { # handle 3
		type ipv4_addr
		flags interval
	}

	chain in { # handle 1
		type filter hook input priority filter; policy drop;
		tcp dport { 1, 2, 3 } drop # handle 5
		tcp dport vmap { 100 : drop,
				 101 : jump sub } # handle 7
		ip saddr 1.2.3.4 counter drop comment "x # handle 99" # handle 8
	}

	chain sub { # handle 2
		udp dport 5 drop # handle 9
	}
}
table ip filter { # handle 2
	chain INPUT { # handle 1
		type filter hook input priority filter; policy accept;
		meta l4proto icmp  counter drop # handle 5
	}
}
`;
const WARNING = '# Warning: table ip filter is managed by iptables-nft, do not touch!\n';

describe('rules as nft lists them', () => {
  const rules = parseNftRuleset(LISTED, WARNING);

  it('are found by the handles of their table and of their own', () => {
    expect(rules.rule(1n, 5n)).toBe('tcp dport { 1, 2, 3 } drop');
    expect(rules.rule(2n, 5n)).toBe('meta l4proto icmp  counter drop');
    expect(rules.rule(1n, 9n)).toBe('udp dport 5 drop');
  });

  it('are whole where they take several lines', () => {
    expect(rules.rule(1n, 7n)).toBe('tcp dport vmap { 100 : drop, 101 : jump sub }');
  });

  it('have the handle that stands last, not one in a comment', () => {
    expect(rules.rule(1n, 8n)).toBe('ip saddr 1.2.3.4 counter drop comment "x # handle 99"');
    expect(rules.rule(1n, 99n)).toBeUndefined();
  });

  it('are not sets, chains, or chains of another table', () => {
    expect(rules.rule(1n, 3n)).toBeUndefined();
    expect(rules.rule(1n, 1n)).toBeUndefined();
    expect(rules.rule(2n, 9n)).toBeUndefined();
  });

  it('are of iptables-nft where nft says so, on either output', () => {
    expect(rules.isIptables(2n)).toBe(true);
    expect(rules.isIptables(1n)).toBe(false);
    expect(parseNftRuleset(WARNING + LISTED).isIptables(2n)).toBe(true);
    const renamed = LISTED.replaceAll('filter {', 'other {');
    const warning = WARNING.replace('filter', 'other');
    expect(parseNftRuleset(renamed, warning).isIptables(2n)).toBe(true);
    expect(parseNftRuleset(renamed).isIptables(2n)).toBe(false);
  });

  it('are of iptables-nft where table and base chains have its names, which nft does not say', () => {
    expect(parseNftRuleset(LISTED).isIptables(2n)).toBe(true);
    expect(parseNftRuleset(LISTED.replace('chain INPUT', 'chain input')).isIptables(2n)).toBe(
      false,
    );
  });
});
