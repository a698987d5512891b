// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Verdicts outside of netfilter: classifiers of tc, XDP programs on packets that have an skb
 * already (generic XDP), filters of sockets.
 */
#include "arguments.h"
#include "kernel.gen.h"
#include "rule-state.h"

#define TC_ACT_SHOT 2 /* include/uapi/linux/pkt_cls.h */
#define XDP_DROP    1 /* 0, XDP_ABORTED, drops too */

static __always_inline void xcap_fate(struct xcap_rule *rule, struct sk_buff *skb, u32 kind)
{
	rule->time_ns = xcap_ktime_get_ns();
	rule->length = XCAP_PROBED(skb, len);
	rule->kind = kind;
}

static __always_inline u32 xcap_program_id(struct bpf_prog *prog)
{
	struct bpf_prog_aux *aux = XCAP_PROBED(prog, aux);

	return XCAP_PROBED(aux, id);
}

/* At the return of a classifier: (skb, tp, res). */
int xcap_fate_classified(u64 *ctx)
{
	struct sk_buff *skb = (void *)xcap_func_arg(ctx, 0);
	struct tcf_proto *tp = (void *)xcap_func_arg(ctx, 1);
	u64 key = (u64)skb, entry, last;
	struct tcf_proto_ops *ops;
	struct xcap_rule rule = {};
	u64 list;

	if ((u32)xcap_func_ret(ctx) != TC_ACT_SHOT)
		return 0;
	xcap_fate(&rule, skb, XCAP_RULE_TC);
	rule.how = XCAP_RULE_BY_RULE;
	ops = XCAP_PROBED(tp, ops);
	xcap_probe_read_kernel_str(rule.table, 16, &ops->kind);
	rule.number = XCAP_PROBED(tp, prio) >> 16;
	rule.generation = XCAP_PROBED((struct tcf_chain *)XCAP_PROBED(tp, chain), index);
#if XCAP_CLS_BPF
	/* Of several programs of one classifier, any can have been it. */
	if (*(u32 *)rule.table == 0x00667062 /* "bpf" */) {
		list = (u64)XCAP_PROBED(tp, root) + XCAP_CLS_BPF_LIST_AT;
		entry = 0;
		last = 1;
		xcap_probe_read_kernel(&entry, sizeof(entry), (void *)list);
		xcap_probe_read_kernel(&last, sizeof(last), (void *)(list + sizeof(entry)));
		if (entry == last && entry != list) {
			u64 prog = 0;

			xcap_probe_read_kernel(
				&prog, sizeof(prog),
				(void *)(entry - XCAP_CLS_BPF_LINK_AT + XCAP_CLS_BPF_FILTER_AT));
			rule.program = xcap_program_id((void *)prog);
		}
	}
#endif
	xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &key, &rule, 0);
	return 0;
}

/* tcf_classify(skb, ...): a classifier that is not watched, else it has told. */
int xcap_fate_shot(u64 *ctx)
{
	struct sk_buff *skb = (void *)xcap_func_arg(ctx, 0);
	u64 key = (u64)skb;
	struct xcap_rule rule = {};

	if ((u32)xcap_func_ret(ctx) != TC_ACT_SHOT ||
	    xcap_map_lookup_elem(MAP(XCAP_MAP_VERDICTS), &key))
		return 0;
	xcap_fate(&rule, skb, XCAP_RULE_TC);
	xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &key, &rule, 0);
	return 0;
}

/* bpf_prog_run_generic_xdp(skb, xdp, prog) */
int xcap_fate_generic_xdp(u64 *ctx)
{
	struct sk_buff *skb = (void *)xcap_func_arg(ctx, 0);
	u64 key = (u64)skb;
	struct xcap_rule rule = {};

	if ((u32)xcap_func_ret(ctx) > XDP_DROP)
		return 0;
	xcap_fate(&rule, skb, XCAP_RULE_XDP);
	rule.how = XCAP_RULE_BY_RULE;
	rule.program = xcap_program_id((void *)xcap_func_arg(ctx, 2));
	xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &key, &rule, 0);
	return 0;
}

/* sk_filter_trim_cap(sk, skb, ...): the socket's filter, or one of its cgroup, or of a security
 * module. */
int xcap_fate_filtered(u64 *ctx)
{
	struct sock *sk = (void *)xcap_func_arg(ctx, 0);
	struct sk_buff *skb = (void *)xcap_func_arg(ctx, 1);
	u64 key = (u64)skb;
	struct xcap_rule rule = {};
	struct sk_filter *filter;
	struct socket_alloc *socket;

	if (!(u32)xcap_func_ret(ctx))
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
