// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Functions of modules that have no types: they are called by pointers that have, so what they are
 * given is known. A kretprobe is not given it: a kprobe keeps it, by the stack pointer, which is
 * one more word away at the return of the same activation.
 */
#include "rules/fate.h"
#include "rules/changes.h"
#include "rules/xt-names.h"

#define NF_DROP 0

static __always_inline int xcap_call_begins(u64 frame, u64 skb, u64 with)
{
	xcap_note(MAP(XCAP_MAP_ENTERED), frame, skb, with);
	return 0;
}

/* The packet, or 0; and what it was given with. */
static __always_inline struct sk_buff *xcap_call_ends(u64 frame, u64 *with)
{
	struct xcap_note *call = xcap_note_at(MAP(XCAP_MAP_ENTERED), frame);
	u64 skb;

	if (!xcap_noted(call, frame, &skb, with))
		return 0;
	call->key = 0;
	return (void *)skb;
}

/* nf_hookfn: (priv, skb, state) */
int xcap_call_hook(u64 *ctx)
{
	return xcap_call_begins(ctx[XCAP_REG_SP], ctx[XCAP_REG_1], ctx[XCAP_REG_2]);
}

/* Names of the tables, in the order of TABLES in src/hooks/rule-calls.ts. */
static __always_inline void xcap_xt_table_name(char *name, u32 table)
{
	switch (table) {
	case 0:
		__builtin_memcpy(name, "filter", 7);
		break;
	case 1:
		__builtin_memcpy(name, "nat", 4);
		break;
	case 2:
		__builtin_memcpy(name, "mangle", 7);
		break;
	case 3:
		__builtin_memcpy(name, "raw", 4);
		break;
	case 4:
		__builtin_memcpy(name, "security", 9);
		break;
	}
}

/* Which function it is, the program is told where it is loaded: callNumber(). */
int xcap_call_hook_done(u64 *ctx)
{
	u32 own = XCAP_OWN_HOOK;
	u64 key, with;
	struct sk_buff *skb = xcap_call_ends(ctx[XCAP_REG_SP] - XCAP_POPPED, &with);
	struct nf_hook_state *state = (void *)with;
	struct xcap_rule rule = {};

	/* With an error number it is no rule's: the packet could not be routed anew. */
	if (!skb || (u32)ctx[XCAP_REG_RET] != NF_DROP)
		return 0;
	xcap_fate(&rule, skb, own & 0xff);
	rule.netns = XCAP_PROBED((struct net *)XCAP_PROBED(state, net), ns.inum);
	rule.hook = XCAP_PROBED(state, hook);
	if (rule.kind == XCAP_RULE_XT) {
		rule.family = XCAP_PROBED(state, pf);
		xcap_xt_table_name((char *)rule.table, own >> 16);
		xcap_xt_hook_name((char *)rule.chain, rule.hook);
	} else {
		rule.family = own >> 8 & 0xff;
		rule.generation = XCAP_COUNTS_CHANGES ? xcap_generation() : ~0ull;
	}
	key = (u64)skb;
	xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &key, &rule, 0);
	return 0;
}

/* A classifier: (skb, tp, res) */
int xcap_call_classify(u64 *ctx)
{
	return xcap_call_begins(ctx[XCAP_REG_SP], ctx[XCAP_REG_0], ctx[XCAP_REG_1]);
}

int xcap_call_classify_done(u64 *ctx)
{
	u64 with;
	struct sk_buff *skb = xcap_call_ends(ctx[XCAP_REG_SP] - XCAP_POPPED, &with);

	if (skb && (u32)ctx[XCAP_REG_RET] == TC_ACT_SHOT)
		xcap_classified(skb, (void *)with);
	return 0;
}

/* Rules of nf_tables are changed by batches of messages. */
int xcap_call_changes(u64 *ctx)
{
	return xcap_changed(XCAP_CHANGE_BEGINS);
}

int xcap_call_changes_done(u64 *ctx)
{
	return xcap_changed(XCAP_CHANGE_DONE);
}
