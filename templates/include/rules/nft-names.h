/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a chain of nf_tables is called. */
#ifndef XCAP_NFT_NAMES_H
#define XCAP_NFT_NAMES_H

#include "rules/state.h"
#include "nft-kernel.gen.h"

static __always_inline void xcap_nft_describe(struct xcap_rule *rule, struct nft_chain *chain)
{
	struct nft_table *table = XCAP_PROBED(chain, table);

	rule->kind = XCAP_RULE_NFT;
	rule->table_handle = XCAP_PROBED(table, handle);
	rule->family = XCAP_BITS_nft_table__family(XCAP_PROBED, table);
	rule->table[0] = 0;
	rule->chain[0] = 0;
	xcap_probe_read_kernel_str(rule->table, sizeof(rule->table), XCAP_PROBED(table, name));
	xcap_probe_read_kernel_str(rule->chain, sizeof(rule->chain), XCAP_PROBED(chain, name));
}

#endif
