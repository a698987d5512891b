/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a chain of nf_tables is called. */
#ifndef XCAP_NFT_NAMES_H
#define XCAP_NFT_NAMES_H

#include "rule-state.h"
#include "nft-kernel.gen.h"

static __always_inline void xcap_nft_describe(struct xcap_rule *rule, struct nft_chain *chain)
{
	struct nft_table *table = RULE_READ(chain, table);

	rule->kind = XCAP_RULE_NFT;
	rule->table_handle = RULE_READ(table, handle);
	rule->family = XCAP_BITS_nft_table__family(RULE_READ, table);
	rule->table[0] = 0;
	rule->chain[0] = 0;
	xcap_probe_read_kernel_str(rule->table, sizeof(rule->table), RULE_READ(table, name));
	xcap_probe_read_kernel_str(rule->chain, sizeof(rule->chain), RULE_READ(chain, name));
}

#endif
