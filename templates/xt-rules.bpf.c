// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Rules of iptables-legacy. The kernel calls nothing for a plain `-j DROP`, but it counts: on the
 * CPU that looks the packet up, in each rule that matches. Rules that end in a drop count only
 * packets that are dropped, and each such packet comes by here: so since the last one exactly one
 * of these counters has moved, by one packet of this length. All are added up, each times its
 * number, its chain's place and its own: what the sums grew by is the rule. If anything else
 * happened meanwhile (another drop in between, the task on another CPU, new rules) the sums do not
 * fit, and the rule is not known.
 *
 * Policies are rules to the kernel, the last ones of their chains. REJECT always drops, too.
 */
#include "arguments.h"
#include "kernel.gen.h"
#include "rules/changes.h"
#include "rules/state.h"
#include "rules/xt-names.h"

#define NF_DROP	      0
#define NF_INET_HOOKS 5
/* -NF_DROP - 1, as standard targets have it: include/linux/netfilter/x_tables.h. */
#define XT_DROP -1

/* First bytes of a target's name; that of standard ones is empty. */
#define XT_ERROR  0x000000524f525245ull
#define XT_REJECT 0x00005443454a4552ull

/* struct xt_error_target: the name behind the target's head. */
#define XT_ERROR_NAME_AT 32
#define XT_NAME_BYTES	 30

/* Rules of a table that are looked at: with more of them, the rule is not known. */
#define XCAP_XT_STEPS 4096

/* What is counted, by table and CPU. */
struct xcap_xt_sums {
	u64 generation; /* of the rules, + 1: 0 when nothing was added up */
	u64 packets;
	u64 bytes;
	u64 numbers; /* packets times the number of their rule in its chain */
	u64 heads;   /* packets times the place of their chain */
	u64 places;  /* packets times the place of their rule */
};

struct xcap_xt_walk {
	u64 entries;
	u64 cpu; /* what this CPU's memory is away */
	u32 at;
	u32 size;
	u32 head;
	u32 number;
	u32 starts[NF_INET_HOOKS];
	u32 whole;
	struct xcap_xt_sums sums;
};

/* The end of struct ipt_entry or ip6t_entry: offsets, then counters. */
struct xcap_xt_entry {
	u8 offsets[XCAP_XT_COUNTERS_AT - XCAP_XT_END_AT];
	u64 packets;
	u64 bytes;
};

#define XT_OFFSET(entry, at) (*(u16 *)((entry)->offsets + (at)-XCAP_XT_END_AT))

/* struct xt_standard_target, as the kernel keeps it. */
struct xcap_xt_target {
	u64 size;
	struct xt_target *target;
	u64 unused[2];
	s32 verdict;
};

static __always_inline u64 xcap_switches(void)
{
	struct task_struct *task = (void *)xcap_get_current_task();

	return XCAP_PROBED(task, nvcsw) + XCAP_PROBED(task, nivcsw);
}

/* One rule. */
static __always_inline int xcap_xt_add(struct xcap_xt_walk *walk)
{
	u64 at = walk->entries + walk->at, name = 0;
	u32 next;
	struct xcap_xt_entry entry = {};
	struct xcap_xt_target target = {};

	if (walk->at >= walk->size) {
		walk->whole = walk->at == walk->size;
		return 1;
	}
	if (xcap_probe_read_kernel(&entry, sizeof(entry), (void *)(at + XCAP_XT_END_AT)))
		return 1;
	next = XT_OFFSET(&entry, XCAP_XT_NEXT_AT);
	if (!next || xcap_probe_read_kernel(&target, sizeof(target),
					    (void *)(at + XT_OFFSET(&entry, XCAP_XT_TARGET_AT))))
		return 1;
	xcap_probe_read_kernel(&name, sizeof(name), &target.target->name);
	walk->number++;
#pragma unroll
	for (int i = 0; i < NF_INET_HOOKS; i++) {
		if (walk->at == walk->starts[i]) {
			walk->head = walk->at;
			walk->number = 1;
		}
	}
	if (name == XT_ERROR) {
		walk->head = walk->at;
		walk->number = 0;
	} else if ((!(u8)name && target.verdict == XT_DROP) || name == XT_REJECT) {
#if XCAP_XT_PER_CPU
		u64 counted = entry.packets + walk->cpu;

		if (xcap_probe_read_kernel(&entry.packets, 2 * sizeof(u64), (void *)counted))
			return 1;
#endif
		walk->sums.packets += entry.packets;
		walk->sums.bytes += entry.bytes;
		walk->sums.numbers += entry.packets * walk->number;
		walk->sums.heads += entry.packets * walk->head;
		walk->sums.places += entry.packets * walk->at;
	}
	walk->at += next;
	return 0;
}

int xcap_xt_enter_each(XCAP_TWO given)
{
	return xcap_xt_add(XCAP_SECOND(given));
}

int xcap_xt_leave_each(XCAP_TWO given)
{
	return xcap_xt_add(XCAP_SECOND(given));
}

static __always_inline void xcap_xt_add_up(struct xcap_xt_walk *walk, struct xt_table_info *info)
{
	/* 0, which the verifier does not know: before 6.8 it takes what the walk starts with for
	 * what it ends with. */
	u64 zero = xcap_probe_read_kernel(&walk->size, sizeof(walk->size), &info->size);

	walk->at = zero;
	walk->head = zero;
	walk->number = zero;
	walk->whole = zero;
	walk->sums.packets = zero;
	walk->sums.bytes = zero;
	walk->sums.numbers = zero;
	walk->sums.heads = zero;
	walk->sums.places = zero;
#if XCAP_XT_PER_CPU
	u64 *away =
		xcap_this_cpu_ptr((void *)bpf_pseudo_fd(BPF_PSEUDO_BTF_ID, XCAP_THIS_CPU_OFF_ID));

	walk->cpu = *away;
#endif
	walk->entries = (u64)info + __builtin_offsetof(struct xt_table_info, entries);
	xcap_probe_read_kernel(walk->starts, sizeof(walk->starts), &info->hook_entry);
	xcap_loop(XCAP_XT_STEPS, XCAP_CALLBACK, walk, 0);
}

/* ipt_do_table(table, skb, state) */
int xcap_xt_enter(u64 *ctx)
{
	struct xt_table *table = (void *)xcap_func_arg(ctx, 0);
	struct xt_table_info *info = (void *)XCAP_PROBED(table, private);
	u64 key = (u64)info, generation = xcap_generation();
	struct xcap_xt_sums *known;
	struct xcap_xt_walk walk = {};

	/*
	 * Since when it is looked up: a task that was put aside meanwhile may be on another CPU, an
	 * interrupt on top of it is not. By the packet: REJECT sends another one.
	 */
	xcap_note(MAP(XCAP_MAP_ENTERED), xcap_func_arg(ctx, 1), xcap_get_current_task(),
		  xcap_switches());
	known = xcap_map_lookup_elem(MAP(XCAP_MAP_TABLES), &key);
	if (known && known->generation == generation + 1)
		return 0;
	xcap_xt_add_up(&walk, info);
	if (!walk.whole)
		return 0;
	walk.sums.generation = generation + 1;
	xcap_map_update_elem(MAP(XCAP_MAP_TABLES), &key, &walk.sums, 0);
	return 0;
}

static __always_inline u64 xcap_xt_target_name(u64 at)
{
	struct xt_target *target = XCAP_PROBED((struct xcap_xt_target *)at, target);
	u64 name = 0;

	xcap_probe_read_kernel(&name, sizeof(name), &target->name);
	return name;
}

/* The rule whose counter moved. */
static __always_inline void xcap_xt_name(struct xcap_rule *rule, const struct xcap_xt_walk *walk,
					 struct xt_table_info *info, u32 number, u32 head,
					 u32 place)
{
	u32 start = ~0u, end = ~0u, hook = rule->hook;

	/* Whose policy it can be: that of the hook that the packet came by. */
	if (hook < NF_INET_HOOKS) {
		u64 hooked = hook * sizeof(u32);

		xcap_probe_read_kernel(&start, sizeof(start), (u8 *)&info->hook_entry + hooked);
		xcap_probe_read_kernel(&end, sizeof(end), (u8 *)&info->underflow + hooked);
	}
	if (head == start) {
		xcap_xt_hook_name((char *)rule->chain, hook);
	} else {
		/* A chain of the user's begins with an entry that has its name. */
		if (xcap_xt_target_name(walk->entries + head + XCAP_XT_ENTRY_BYTES) != XT_ERROR)
			return;
		xcap_probe_read_kernel_str(
			rule->chain, XT_NAME_BYTES,
			(void *)(walk->entries + head + XCAP_XT_ENTRY_BYTES + XT_ERROR_NAME_AT));
	}
	rule->how = XCAP_RULE_BY_RULE;
	rule->number = number;
	if (place == end) {
		rule->how = XCAP_RULE_BY_POLICY;
		rule->number = 0;
	}
}

/* Rules that are put in between the two are of another table in memory. */
int xcap_xt_leave(u64 *ctx)
{
	struct xt_table *table = (void *)xcap_func_arg(ctx, 0);
	struct sk_buff *skb = (void *)xcap_func_arg(ctx, 1);
	struct nf_hook_state *state = (void *)xcap_func_arg(ctx, 2);
	struct xt_table_info *info = (void *)XCAP_PROBED(table, private);
	u64 key = (u64)info, of = (u64)skb, generation;
	struct xcap_xt_sums *before;
	struct xcap_xt_walk walk = {};
	struct xcap_rule rule = {};

	if ((u32)xcap_func_ret(ctx) != NF_DROP)
		return 0;
	generation = xcap_generation();
	rule.time_ns = xcap_ktime_get_ns();
	rule.length = XCAP_PROBED(skb, len);
	rule.netns = XCAP_PROBED((struct net *)XCAP_PROBED(state, net), ns.inum);
	rule.hook = XCAP_PROBED(state, hook);
	rule.family = XCAP_PROBED(state, pf);
	rule.kind = XCAP_RULE_XT;
	rule.generation = generation;
	xcap_probe_read_kernel_str(rule.table, sizeof(rule.table), &table->name);
	before = xcap_map_lookup_elem(MAP(XCAP_MAP_TABLES), &key);
	if (before && before->generation) {
		u64 packets, bytes, number, head, place;
		u64 task = 0, switches = 0;
		int same =
			xcap_noted(xcap_note_at(MAP(XCAP_MAP_ENTERED), of), of, &task, &switches) &&
			task == xcap_get_current_task() && switches == xcap_switches() &&
			before->generation == generation + 1 && ~generation;

		xcap_xt_add_up(&walk, info);
		packets = walk.sums.packets - before->packets;
		bytes = walk.sums.bytes - before->bytes;
		number = walk.sums.numbers - before->numbers;
		head = walk.sums.heads - before->heads;
		place = walk.sums.places - before->places;
		if (walk.whole) {
			walk.sums.generation = generation + 1;
			*before = walk.sums;
			if (same && packets == 1 && bytes == rule.length)
				xcap_xt_name(&rule, &walk, info, number, head, place);
		} else {
			before->generation = 0;
		}
	}
	if (!rule.how)
		xcap_xt_hook_name((char *)rule.chain, rule.hook);
	xcap_map_update_elem(MAP(XCAP_MAP_VERDICTS), &of, &rule, 0);
	return 0;
}
