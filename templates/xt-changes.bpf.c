// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Rules of iptables-legacy are replaced a table at a time: what was read before is of other ones.
 */
#include "helpers.h"

static __always_inline int xcap_xt_changed(u32 which)
{
	u32 zero = 0;
	u64 *changes = xcap_map_lookup_elem(MAP(XCAP_MAP_CHANGES), &zero);

	if (changes)
		__sync_fetch_and_add(changes + which, 1);
	return 0;
}

int xcap_xt_changes(u64 *ctx)
{
	return xcap_xt_changed(0);
}

int xcap_xt_changed_now(u64 *ctx)
{
	return xcap_xt_changed(1);
}
