/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What every hook does with an skb: find the packet, ask the filters (cheapest first), copy
 * what matched into this nesting level's slot, send it. Each event ends in exactly one count.
 */
#ifndef XCAP_CAPTURE_H
#define XCAP_CAPTURE_H

#include "helpers.h"
#include "context.h"
#include "packet.h"
#include "hit.h"
#include "events.gen.h"
#include "metadata.gen.h"
#include "filter.gen.h"

struct xcap_slot {
	struct xcap_event event;
	u8 data[XCAP_CAPTURE_MAX];
};

static __always_inline void xcap_fill(struct xcap_event *e, const struct xcap_hit *hit,
				      const struct xcap_net *net, const struct xcap_view *view)
{
	u64 task = xcap_get_current_pid_tgid();

	e->time_ns = xcap_ktime_get_ns();
	e->skb = (u64)hit->skb;
	e->location = hit->location;
	e->wire_length = view->pkt.wire_len;
	e->reason = hit->reason;
	e->tgid = task >> 32;
	e->pid = task;
	e->uid = xcap_get_current_uid_gid();
	e->netns = net->netns;
	e->mark = READ(hit->skb, mark);
	e->cpu = xcap_get_smp_processor_id();
	e->queue = READ(hit->skb, queue_mapping);
	e->protocol = __builtin_bswap16(READ(hit->skb, protocol));
	e->hook = hit->hook;
	e->context = xcap_context(hit->ctx);
	e->packet_type = XCAP_BITS_sk_buff__pkt_type(READ, hit->skb);
	e->link = view->link;
	xcap_get_current_comm(e->comm, sizeof(e->comm));
	e->ifindex = xcap_ifindex(net);
	e->ifname[0] = 0;
	xcap_ifname(net, e->ifname);
}

static __always_inline u32 xcap_send(const struct xcap_hit *hit, const struct xcap_net *net,
				     const struct xcap_view *view)
{
	u32 zero = 0, index, level, outcome = XCAP_COUNT_LOST;
	volatile u32 *depth = xcap_map_lookup_elem(MAP(XCAP_MAP_DEPTH), &zero);
	struct xcap_slot *slot;
	u64 length;

	if (!depth)
		return XCAP_COUNT_MISSED;
	/*
	 * Tracepoints run with preemption off, so that whatever else uses the slots of this CPU
	 * nests strictly inside: a plain counter is enough.
	 */
	level = *depth;
	if (level >= XCAP_LEVELS)
		return XCAP_COUNT_MISSED;
	*depth = level + 1;

	index = xcap_get_smp_processor_id() * XCAP_LEVELS + level;
	slot = xcap_map_lookup_elem(MAP(XCAP_MAP_SLOTS), &index);
	if (slot) {
		xcap_fill(&slot->event, hit, net, view);
		length = view->pkt.linear;
		if (length > view->pkt.wire_len)
			length = view->pkt.wire_len;
		XCAP_HIDE(length);
		/* The verifier takes the size's bound from this compare. */
		if (length > XCAP_CAPTURE_MAX)
			length = XCAP_CAPTURE_MAX;
		XCAP_HIDE(length);
		if (length > XCAP_CAPTURE_MAX)
			length = 0;
		if (xcap_probe_read_kernel(slot->data, length, view->pkt.start))
			length = 0;
		slot->event.captured_length = length;
		if (xcap_ringbuf_output(MAP(XCAP_MAP_RING), slot, sizeof(slot->event) + length,
					0) == 0)
			outcome = XCAP_COUNT_SUBMITTED;
	}
	*depth = level;
	return outcome;
}

/* The one filter that asks which header the packet has: see src/filter. */
static __always_inline u32 xcap_reject_packet(const struct xcap_view *view)
{
#if XCAP_FILTER
	u64 window[(XCAP_FILTER_WINDOW + 7) / 8];

	if (view->link == XCAP_LINK_ETHERNET)
		return xcap_filter_l2(&view->pkt, (u8 *)window) ? 0 : XCAP_COUNT_REJECTED_FILTER;
#if XCAP_FILTER_L3
	return xcap_filter_l3(&view->pkt, (u8 *)window) ? 0 : XCAP_COUNT_REJECTED_FILTER;
#else
	return XCAP_COUNT_REJECTED_NO_LINK;
#endif
#else
	return 0;
#endif
}

static __always_inline u32 xcap_outcome(const struct xcap_hit *hit)
{
	struct xcap_view view;
	struct xcap_net net;
	u32 rejected;

	xcap_net(hit->skb, hit->rx_sk, &net);
	rejected = xcap_reject_metadata(hit, &net);
	if (rejected)
		return rejected;
	xcap_view(hit->skb, net.dev, &view);
	rejected = xcap_reject_packet(&view);
	if (rejected)
		return rejected;
	return xcap_send(hit, &net, &view);
}

static __always_inline int xcap_capture(const struct xcap_hit *hit)
{
	u32 hook = hit->hook, outcome = xcap_outcome(hit);
	struct xcap_counts *counts = xcap_map_lookup_elem(MAP(XCAP_MAP_COUNTS), &hook);

	/* Atomic: a nested event may come between load and store. */
	if (counts && outcome < XCAP_COUNTERS)
		__sync_fetch_and_add(&counts->count[outcome], 1);
	return 0;
}

#endif
