/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is known of a packet's verdict, from where it is given to where the packet is freed. A
 * packet is known by its address, which no other has meanwhile; an entry goes when the packet is
 * freed (rules-end.bpf.c), behind the hooks that send events.
 */
#ifndef XCAP_RULE_STATE_H
#define XCAP_RULE_STATE_H

#include "helpers.h"
#include "rule.gen.h"

/*
 * A packet in nft_do_chain() whose chain would drop it, should no rule decide. Written for each
 * packet, so no hash map: the address chooses the place. Two CPUs may write the same one: `check`
 * tells a whole entry from halves of two.
 */
struct xcap_passing {
	volatile u64 skb;
	volatile u64 chain;
	volatile u64 where; /* netns << 16 | family << 8 | hook */
	volatile u64 check;
};

/* Of a verdict: the packet's may change before it is freed. */
#define XCAP_ANY_LENGTH ~0u

static __always_inline u32 xcap_place(u64 skb)
{
	return (skb >> 8 ^ skb >> 20) & (XCAP_PASSING - 1);
}

static __always_inline struct xcap_passing *xcap_passing(u64 skb)
{
	u32 place = xcap_place(skb);

	return xcap_map_lookup_elem(MAP(XCAP_MAP_PASSING), &place);
}

#endif
