/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How events ended: see src/abi/counters.ts. */
#ifndef XCAP_COUNT_H
#define XCAP_COUNT_H

#include "helpers.h"
#include "events.gen.h"

/*
 * Atomic where an event that counts at the same place may come between load and store: see
 * countsAlone() of src/codegen/unit-kind.ts.
 */
static __always_inline void xcap_add(u32 hook, u64 outcome, u64 number)
{
	struct xcap_counts *counts = xcap_map_lookup_elem(MAP(XCAP_MAP_COUNTS), &hook);

	if (!counts || outcome >= XCAP_COUNTERS)
		return;
#if XCAP_COUNTS_ALONE
	counts->count[outcome] += number;
#else
	__sync_fetch_and_add(&counts->count[outcome], number);
#endif
}

static __always_inline void xcap_count(u32 hook, u64 outcome)
{
	xcap_add(hook, outcome, 1);
}

#endif
