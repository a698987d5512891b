// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Verdicts outside of netfilter: classifiers of tc, XDP programs on packets that have an skb
 * already (generic XDP), filters of sockets.
 */
#include "arguments.h"
#include "rules/fate.h"

#define XDP_DROP 1 /* 0, XDP_ABORTED, drops too */

/* Without the helpers (5.17) arguments lie in the context, and what was returned behind them. */
#if XCAP_BY_HELPER
#define XCAP_ARGUMENT(ctx, number) xcap_func_arg(ctx, number)
#define XCAP_RETURNED(ctx, behind) ((u32)xcap_func_ret(ctx))
#else
#define XCAP_ARGUMENT(ctx, number) ((ctx)[number])
#define XCAP_RETURNED(ctx, behind) ((u32)(ctx)[behind])
#endif

/* At the return of a classifier: (skb, tp, res). */
int xcap_fate_classified(u64 *ctx)
{
	if (XCAP_RETURNED(ctx, 3) == TC_ACT_SHOT)
		xcap_classified((void *)XCAP_ARGUMENT(ctx, 0), (void *)XCAP_ARGUMENT(ctx, 1));
	return 0;
}

static __always_inline int xcap_shot(struct sk_buff *skb, u32 verdict)
{
	u64 key = (u64)skb;
	struct xcap_rule rule = {};

	if (verdict != TC_ACT_SHOT || xcap_map_lookup_elem(MAP(XCAP_MAP_VERDICTS), &key))
		return 0;
	xcap_fate(&rule, skb, XCAP_RULE_TC);
	xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &key, &rule, 0);
	return 0;
}

/* tcf_classify(skb, ...): a classifier that is not watched, else it has told. */
int xcap_fate_shot(u64 *ctx)
{
	return xcap_shot((void *)XCAP_ARGUMENT(ctx, 0), XCAP_RETURNED(ctx, XCAP_SHOT_BEHIND));
}

/* tcf_classify_ingress(skb, ...), where it does not call the other (before 5.12). */
int xcap_fate_shot_ingress(u64 *ctx)
{
	return xcap_shot((void *)XCAP_ARGUMENT(ctx, 0),
			 XCAP_RETURNED(ctx, XCAP_SHOT_INGRESS_BEHIND));
}

/* bpf_prog_run_generic_xdp(skb, xdp, prog) */
int xcap_fate_generic_xdp(u64 *ctx)
{
	struct sk_buff *skb = (void *)XCAP_ARGUMENT(ctx, 0);
	u64 key = (u64)skb;
	struct xcap_rule rule = {};

	if (XCAP_RETURNED(ctx, 3) > XDP_DROP)
		return 0;
	xcap_fate(&rule, skb, XCAP_RULE_XDP);
	rule.how = XCAP_RULE_BY_RULE;
	rule.program = xcap_program_id((void *)XCAP_ARGUMENT(ctx, 2));
	xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &key, &rule, 0);
	return 0;
}

/*
 * netif_receive_generic_xdp(skb, xdp, prog), where it runs the program itself (before 5.14): it
 * frees the packet before it returns, for the program's verdict or because it cannot lay the packet
 * out for it, and for nothing else.
 */
int xcap_fate_generic_xdp_enters(u64 *ctx)
{
	struct sk_buff *skb = (void *)XCAP_ARGUMENT(ctx, 0);
	u64 key = (u64)skb;
	struct xcap_rule rule = {};

	xcap_fate(&rule, skb, XCAP_RULE_XDP);
	/* The program may change it. */
	rule.length = XCAP_ANY_LENGTH;
	rule.program = xcap_program_id((void *)XCAP_ARGUMENT(ctx, 2));
	xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &key, &rule, 0);
	return 0;
}

/* It lives on, or it is freed by now. */
int xcap_fate_generic_xdp_leaves(u64 *ctx)
{
	u64 key = XCAP_ARGUMENT(ctx, 0);

	xcap_map_delete_elem(MAP(XCAP_MAP_VERDICTS), &key);
	return 0;
}

/* sk_filter_trim_cap(sk, skb, ...): the socket's filter, or one of its cgroup, or of a security
 * module. */
int xcap_fate_filtered(u64 *ctx)
{
	struct sock *sk = (void *)XCAP_ARGUMENT(ctx, 0);
	struct sk_buff *skb = (void *)XCAP_ARGUMENT(ctx, 1);
	u64 key = (u64)skb;
	struct xcap_rule rule = {};
	struct sk_filter *filter;
	struct socket_alloc *socket;

	if (!XCAP_RETURNED(ctx, XCAP_FILTERED_BEHIND))
		return 0;
	xcap_fate(&rule, skb, XCAP_RULE_FILTER);
	socket = (void *)XCAP_PROBED(sk, sk_socket);
	if (socket)
		rule.rule_handle = XCAP_PROBED(socket, vfs_inode.i_ino);
	filter = XCAP_PROBED(sk, sk_filter);
	if (filter) {
		rule.how = XCAP_RULE_BY_RULE;
		/* 0 for a filter of classic BPF. */
		rule.program = xcap_program_id(XCAP_PROBED(filter, prog));
	}
	xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &key, &rule, 0);
	return 0;
}
