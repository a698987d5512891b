// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Rules of nf_tables, those of iptables-nft among them. An expression that gives the verdict
 * NF_DROP lies inside its rule, in the blob of its chain: the blob ends with a pointer to the
 * chain, or the table's chains are looked through, and from the blob's beginning the rules are
 * counted up to the one that holds the expression. So neither jumps nor returns have to be
 * followed.
 */
#include "arguments.h"
#include "kernel.gen.h"
#include "rules/nft-names.h"

#define NF_DROP		0
#define NF_VERDICT_MASK 0xff

/* Words of a blob that are looked at, each way: beyond, the rule is not known. */
#define XCAP_NFT_STEPS 8192

struct xcap_nft_walk {
	u64 expr; /* what is looked for */
	u64 at;
	u64 end; /* of the table's list of chains */
	u64 chain;
	u64 handle;
	u32 number;
	u32 counting;
};

/* One rule; or, behind the expression that the walk starts from, one of the same rule's. */
static __always_inline int xcap_nft_step(struct xcap_nft_walk *walk)
{
	u64 head = 0, end;

	if (xcap_probe_read_kernel(&head, sizeof(head), (void *)walk->at))
		return 1;
	/* The address of an expression's operations: a rule's head has zeros above its handle. */
	if (head >> XCAP_NFT_HEAD_BITS) {
		u32 size = XCAP_PROBED((struct nft_expr_ops *)head, size);

		walk->at += size;
		return walk->counting || !size;
	}
	if (head >> XCAP_NFT_IS_LAST_SHIFT & 1) {
#if XCAP_HAS_nft_rule_dp_last__chain
		if (!walk->counting)
			walk->chain = (u64)XCAP_PROBED((struct nft_rule_dp_last *)walk->at, chain);
#endif
		return 1;
	}
	end = walk->at + sizeof(head) + (head >> XCAP_NFT_DLEN_SHIFT & XCAP_NFT_DLEN_MASK);
	if (walk->counting) {
		walk->number++;
		if (walk->expr > walk->at && walk->expr < end) {
			walk->handle = head >> XCAP_NFT_HANDLE_SHIFT & XCAP_NFT_HANDLE_MASK;
			return 1;
		}
	}
	walk->at = end;
	return 0;
}

static __always_inline int xcap_nft_holds(struct nft_rule_blob *blob, u64 expr)
{
	u64 from = (u64)blob + __builtin_offsetof(struct nft_rule_blob, data);

	return blob && expr >= from && expr < from + XCAP_PROBED(blob, size);
}

/* The chain's blob that holds the expression, of the rules that are or those that were before. */
static __always_inline struct nft_rule_blob *xcap_nft_blob(struct nft_chain *chain, u64 expr)
{
	struct nft_rule_blob *blob = XCAP_PROBED(chain, blob_gen_0);

	if (xcap_nft_holds(blob, expr))
		return blob;
	blob = XCAP_PROBED(chain, blob_gen_1);
	return xcap_nft_holds(blob, expr) ? blob : 0;
}

int xcap_nft_verdict_each(XCAP_TWO given)
{
	return xcap_nft_step(XCAP_SECOND(given));
}

/* One chain of the table, until one holds the expression; then one rule. */
int xcap_nft_leave_each(XCAP_TWO given)
{
	struct xcap_nft_walk *walk = XCAP_SECOND(given);
	struct nft_chain *chain;

	if (walk->counting)
		return xcap_nft_step(walk);
	chain = (void *)(walk->at - __builtin_offsetof(struct nft_chain, list));
	if (xcap_nft_blob(chain, walk->expr)) {
		walk->chain = (u64)chain;
		return 1;
	}
	return xcap_probe_read_kernel(&walk->at, sizeof(walk->at), (void *)walk->at) != 0 ||
	       walk->at == walk->end;
}

/* The rule that holds the expression, into the walk. */
static __always_inline void xcap_nft_find(struct xcap_nft_walk *walk)
{
	struct nft_chain *chain;
	struct nft_rule_blob *blob;
	u64 expr = walk->expr;

	xcap_loop(XCAP_NFT_STEPS, XCAP_CALLBACK, walk, 0);
	chain = (void *)walk->chain;
	if (!chain)
		return;
	blob = xcap_nft_blob(chain, expr);
	if (!blob) {
		walk->chain = 0;
		return;
	}
	walk->at = (u64)blob + __builtin_offsetof(struct nft_rule_blob, data);
	walk->counting = 1;
	xcap_loop(XCAP_NFT_STEPS, XCAP_CALLBACK, walk, 0);
}

static __always_inline void xcap_nft_place(struct xcap_rule *rule, struct nft_pktinfo *pkt)
{
	struct nf_hook_state *state = XCAP_PROBED(pkt, state);
	struct sk_buff *skb = XCAP_PROBED(pkt, skb);

	rule->time_ns = xcap_ktime_get_ns();
	rule->length = XCAP_PROBED(skb, len);
	rule->netns = XCAP_PROBED((struct net *)XCAP_PROBED(state, net), ns.inum);
	rule->hook = XCAP_PROBED(state, hook);
}

/* Zeros that the verifier does not know: before 6.8 it takes what a walk starts with for what it
 * ends with. */
static __always_inline void xcap_nft_begin(struct xcap_nft_walk *walk, u64 expr)
{
	u64 word, zero = xcap_probe_read_kernel(&word, sizeof(word), (void *)expr);

	walk->expr = expr;
	walk->chain = zero;
	walk->handle = zero;
	walk->number = zero;
}

static __always_inline void xcap_nft_found(struct xcap_rule *rule, const struct xcap_nft_walk *walk)
{
	xcap_nft_describe(rule, (void *)walk->chain);
	rule->how = walk->handle ? XCAP_RULE_BY_RULE : XCAP_RULE_BY_UNKNOWN;
	rule->rule_handle = walk->handle;
	rule->number = walk->handle ? walk->number : 0;
}

/* Between the two programs at the return of one evaluation. */
#define XCAP_SAME_NS 100000

/*
 * At the return of an expression's evaluation: (expr, regs, pkt). Attached twice: the kernel skips
 * a program that it has interrupted on this CPU, but it can have interrupted one of the two only,
 * and a verdict that nobody saw would be taken for a policy's.
 */
int xcap_nft_verdict(u64 *ctx)
{
	struct nft_expr *expr = (void *)xcap_func_arg(ctx, 0);
	struct nft_pktinfo *pkt = (void *)xcap_func_arg(ctx, 2);
	struct xcap_rule rule = {};
	struct xcap_rule *known;
	u64 skb;
	s32 code = -1;

	/* struct nft_regs begins with the verdict, which begins with its code. */
	xcap_probe_read_kernel(&code, sizeof(code), (void *)xcap_func_arg(ctx, 1));
	if (code < 0 || (code & NF_VERDICT_MASK) != NF_DROP)
		return 0;
	skb = (u64)XCAP_PROBED(pkt, skb);
	xcap_nft_place(&rule, pkt);
	rule.expression = (u64)expr;
	/* The other of the two programs that are here has seen it. */
	known = xcap_map_lookup_elem(MAP(XCAP_MAP_VERDICTS), &skb);
	if (known && known->expression == (u64)expr && known->length == rule.length &&
	    rule.time_ns - known->time_ns < XCAP_SAME_NS)
		return 0;
#if XCAP_HAS_nft_rule_dp_last__chain
	struct xcap_nft_walk walk = {};

	xcap_nft_begin(&walk, (u64)expr);
	walk.at = (u64)expr + XCAP_PROBED((struct nft_expr_ops *)XCAP_PROBED(expr, ops), size);
	xcap_nft_find(&walk);
	if (walk.chain)
		xcap_nft_found(&rule, &walk);
#endif
	xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &skb, &rule, 0);
	return 0;
}

/* nft_do_chain(pkt, chain): a base chain that drops what no rule decides on. */
int xcap_nft_enter(u64 *ctx)
{
	struct nft_pktinfo *pkt = (void *)xcap_func_arg(ctx, 0);
	u64 chain = xcap_func_arg(ctx, 1), skb, where;
	struct nft_base_chain *base =
		(void *)(chain - __builtin_offsetof(struct nft_base_chain, chain));
	struct nf_hook_state *state;

	if (XCAP_PROBED(base, policy) != NF_DROP)
		return 0;
	skb = (u64)XCAP_PROBED(pkt, skb);
	state = XCAP_PROBED(pkt, state);
	where = (u64)XCAP_PROBED((struct net *)XCAP_PROBED(state, net), ns.inum) << 16 |
		(u8)XCAP_PROBED(state, hook);
	xcap_note(MAP(XCAP_MAP_PASSING), skb, chain, where);
	return 0;
}

/* Without NF_DROP it lets the packet go on, or it has freed it. */
int xcap_nft_leave(u64 *ctx)
{
	struct nft_pktinfo *pkt = (void *)xcap_func_arg(ctx, 0);
	u64 chain = xcap_func_arg(ctx, 1), skb = (u64)XCAP_PROBED(pkt, skb);
	struct nft_base_chain *base =
		(void *)(chain - __builtin_offsetof(struct nft_base_chain, chain));
	struct xcap_nft_walk walk = {};
	struct xcap_rule rule = {}, *known;
	struct xcap_note *passing;

	if ((u32)xcap_func_ret(ctx) == NF_DROP) {
		known = xcap_map_lookup_elem(MAP(XCAP_MAP_VERDICTS), &skb);
		if (known && known->kind)
			return 0;
		xcap_nft_place(&rule, pkt);
		xcap_nft_describe(&rule, (void *)chain);
		if (!known) {
			if (XCAP_PROBED(base, policy) == NF_DROP)
				rule.how = XCAP_RULE_BY_POLICY;
		} else {
			struct nft_table *table = XCAP_PROBED((struct nft_chain *)chain, table);

			/* Of this chain, or of one that it leads to. */
			xcap_nft_begin(&walk, known->expression);
			walk.end = (u64)table + __builtin_offsetof(struct nft_table, chains);
			xcap_probe_read_kernel(&walk.at, sizeof(walk.at), (void *)walk.end);
			xcap_nft_find(&walk);
			if (walk.chain)
				xcap_nft_found(&rule, &walk);
		}
		xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &skb, &rule, 0);
		return 0;
	}
	if (XCAP_PROBED(base, policy) != NF_DROP)
		return 0;
	passing = xcap_note_at(MAP(XCAP_MAP_PASSING), skb);
	if (passing && passing->key == skb)
		passing->key = 0;
	return 0;
}
