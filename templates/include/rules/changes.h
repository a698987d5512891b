/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Changes of rules are counted when they begin and when they are done: what was read before one is
 * of other rules. */
#ifndef XCAP_RULE_CHANGES_H
#define XCAP_RULE_CHANGES_H

#include "helpers.h"

#define XCAP_CHANGE_BEGINS 0
#define XCAP_CHANGE_DONE   1

static __always_inline int xcap_changed(u32 which)
{
	u32 zero = 0;
	u64 *changes = xcap_map_lookup_elem(MAP(XCAP_MAP_CHANGES), &zero);

	if (changes)
		__sync_fetch_and_add(changes + which, 1);
	return 0;
}

/* Of the rules that are there now; all ones while they are changing. */
static __always_inline u64 xcap_generation(void)
{
	u32 zero = 0;
	const volatile u64 *changes = xcap_map_lookup_elem(MAP(XCAP_MAP_CHANGES), &zero);
	u64 begun, done;

	if (!changes)
		return ~0ull;
	done = changes[XCAP_CHANGE_DONE];
	begun = changes[XCAP_CHANGE_BEGINS];
	return begun == done ? done : ~0ull;
}

#endif
