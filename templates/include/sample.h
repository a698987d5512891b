/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Events that are left out by chance: not looked at at all (--max-overhead), or matched and not
 * sent (--sample). By a random number and not by counting, which traffic that alternates would
 * fall in step with.
 */
#ifndef XCAP_SAMPLE_H
#define XCAP_SAMPLE_H

#include "helpers.h"
#include "hit.h"
#include "events.gen.h"
#include "sample.gen.h"

/* The count of what is not to be looked at; 0: go on. The reader sets the mask, one less than a
 * power of two, while the program runs. */
static __always_inline u32 xcap_skip(const struct xcap_hit *hit)
{
#if XCAP_SKIPS
	u32 hook = xcap_hook(hit);
	const volatile u32 *at = xcap_map_lookup_elem(MAP(XCAP_MAP_SAMPLING), &hook);
	u32 mask = at ? *at : 0;

	if (mask && xcap_get_prandom_u32() & mask)
		return XCAP_COUNT_SKIPPED;
#endif
	return 0;
}

/* The same of what matches: one in N is 0, by the upper half of the product. */
static __always_inline u32 xcap_sample_out(void)
{
#if XCAP_SAMPLE
	if ((u64)xcap_get_prandom_u32() * XCAP_SAMPLE_OF >> 32)
		return XCAP_COUNT_SAMPLED_OUT;
#endif
	return 0;
}

#endif
