/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which rule a packet fell to, as far as the programs that watch rules have found out. */
#ifndef XCAP_RULES_H
#define XCAP_RULES_H

#include "hit.h"
#include "event.h"

#if XCAP_RULES
#include "rules/state.h"
#if XCAP_RULES_NFT
#include "rules/nft-names.h"
#endif

#define XCAP_XDP_DROP 1 /* include/uapi/linux/bpf.h; 0, XDP_ABORTED, drops too */

/* A verdict is followed by the packet's end at once, unless the task was put aside. */
#define XCAP_VERDICT_NS 1000000000

/* No rule of the chain decided: nft_do_chain() frees the packet by itself (6.10), by the policy. */
static __always_inline void xcap_rule_of_policy(struct xcap_rule *rule, u64 skb)
{
#if XCAP_RULES_NFT
	u64 chain, where; /* as xcap_nft_enter() notes them */

	if (!xcap_noted(xcap_note_at(MAP(XCAP_MAP_PASSING), skb), skb, &chain, &where))
		return;
	rule->how = XCAP_RULE_BY_POLICY;
	rule->netns = where >> 16;
	rule->hook = where;
	rule->number = 0;
	rule->rule_handle = 0;
	xcap_nft_describe(rule, (void *)chain);
#endif
}

static __always_inline void xcap_fill_rule(struct xcap_slot *slot, const struct xcap_hit *hit)
{
	struct xcap_rule *rule = &slot->rule, *known;
	u64 skb = (u64)hit->skb;

	/* A number to the verifier, by what it is negated to. */
	asm volatile("%0 = -%0" : "+r"(skb));
	asm volatile("%0 = -%0" : "+r"(skb));
	rule->kind = 0;
	if (hit->program && hit->ret <= XCAP_XDP_DROP) {
		rule->kind = XCAP_RULE_XDP;
		rule->how = XCAP_RULE_BY_RULE;
		rule->program = hit->program;
		return;
	}
	if (!xcap_hit_location(hit))
		return;
	known = xcap_map_lookup_elem(MAP(XCAP_MAP_VERDICTS), &skb);
	if (!known) {
		xcap_rule_of_policy(rule, skb);
		return;
	}
	if ((known->length != XCAP_ANY_LENGTH && known->length != READ(hit->skb, len)) ||
	    xcap_ktime_get_ns() - known->time_ns > XCAP_VERDICT_NS)
		return;
	*rule = *known;
}
#else
static __always_inline void xcap_fill_rule(struct xcap_slot *slot, const struct xcap_hit *hit)
{
}
#endif

#endif
