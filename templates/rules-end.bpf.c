// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Where packets are freed: a packet that gets the address next starts anew. */
#include "rules/state.h"

int xcap_rules_end(u64 *ctx)
{
	u64 skb = ctx[XCAP_SKB_SLOT];

	if (xcap_map_lookup_elem(MAP(XCAP_MAP_VERDICTS), &skb))
		xcap_map_delete_elem(MAP(XCAP_MAP_VERDICTS), &skb);
	return 0;
}
