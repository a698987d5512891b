/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Verdicts outside of netfilter. */
#ifndef XCAP_FATE_H
#define XCAP_FATE_H

#include "kernel.gen.h"
#include "rules/state.h"

#define TC_ACT_SHOT 2 /* include/uapi/linux/pkt_cls.h */

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

/* A classifier has said TC_ACT_SHOT. */
static __always_inline void xcap_classified(struct sk_buff *skb, struct tcf_proto *tp)
{
	struct tcf_proto_ops *ops = XCAP_PROBED(tp, ops);
	struct xcap_rule rule = {};
	u64 key = (u64)skb;

	xcap_fate(&rule, skb, XCAP_RULE_TC);
	rule.how = XCAP_RULE_BY_RULE;
	xcap_probe_read_kernel_str(rule.table, 16, &ops->kind);
	rule.number = XCAP_PROBED(tp, prio) >> 16;
	rule.generation = XCAP_PROBED((struct tcf_chain *)XCAP_PROBED(tp, chain), index);
#if XCAP_CLS_BPF
	/* Of several programs of one classifier, any can have been it. */
	if (*(u32 *)rule.table == 0x00667062 /* "bpf" */) {
		u64 list = (u64)XCAP_PROBED(tp, root) + XCAP_CLS_BPF_LIST_AT;
		u64 entry = 0, last = 1;

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
}

#endif
