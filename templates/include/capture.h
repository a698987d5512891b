/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What every hook does with an skb: find the packet, ask the filters (cheapest first), put what
 * matched together in the ring or in this nesting level's slot, send it. Each event ends in exactly
 * one count.
 */
#ifndef XCAP_CAPTURE_H
#define XCAP_CAPTURE_H

#include "helpers.h"
#include "context.h"
#include "slots.h"
#include "packet.h"
#include "task.h"
#include "xdp/xdp.h"
#include "xdp/redirect.h"
#include "gather.h"
#include "copy.h"
#include "synth/synth.h"
#include "hit.h"
#include "events.gen.h"
#include "who/who.h"
#include "metadata.gen.h"
#include "where.gen.h"
#include "filter.gen.h"
#include "filter/inner.h"
#include "event.h"
#include "count.h"
#include "sample.h"
#include "returns.h"
#include "stack.h"
#include "track.h"
#include "rules/rules.h"
#include "top.h"

#if !XCAP_TOP
/* The namespace, and the device: of an skb it is looked at once for both. */
static __always_inline void xcap_fill_net(struct xcap_event *e, const struct xcap_net *n)
{
	struct net_device *dev = n->dev;
	u32 of_skb = !n->hit->xdp && !n->hit->socket;

	e->netns = n->netns;
	e->ifindex = 0;
	e->ifname[0] = 0;
	if (of_skb) {
		dev = READ(n->hit->skb, dev);
		e->netns = xcap_dev_netns(dev);
		if (!e->netns)
			dev = 0;
	}
	if (dev) {
		e->ifindex = READ(dev, ifindex);
		XCAP_READ_16(e->ifname, dev, name);
		asm volatile("" ::: "memory");
		return;
	}
	if (of_skb)
		e->netns = xcap_socket_netns(n->hit);
	dev = xcap_route_dev(n->hit);
	if (dev) {
		e->ifindex = PROBE(dev, ifindex);
		XCAP_PROBE_16(e->ifname, dev, name);
	}
}

static __always_inline void xcap_fill(struct xcap_event *e, const struct xcap_hit *hit,
				      const struct xcap_net *net, const struct xcap_view *view)
{
	e->time_ns = xcap_ktime_get_ns();
	e->skb = (u64)hit->skb;
	e->location = xcap_hit_location(hit);
	e->ret = hit->ret;
	e->duration_ns = 0;
	e->packet_id = hit->packet_id;
	e->flags = hit->returned ? XCAP_EVENT_RETURNED : 0;
	e->redirect_map = 0;
	e->redirect_index = 0;
	xcap_fill_redirect(e, hit);
	e->wire_length = view->pkt.wire_len;
	e->reason = xcap_hit_reason(hit);
	e->mark = xcap_mark(hit);
	e->cpu = xcap_get_smp_processor_id();
	if (hit->xdp) {
		e->queue = xcap_xdp_queue(hit);
		e->protocol = xcap_xdp_protocol(view);
		e->socket = xcap_socket_inode(hit->owner);
	} else {
		e->queue = XCAP_SKB(hit, queue_mapping);
		e->protocol = __builtin_bswap16(XCAP_SKB(hit, protocol));
		e->socket = 0;
	}
	e->hook = xcap_hook(hit);
	e->packet_type = XCAP_BITS_sk_buff__pkt_type(XCAP_SKB, hit);
	e->link = view->link;
	e->synth = view->synth;
	e->stack = xcap_stack(hit);
	xcap_fill_task(e);
	e->context = xcap_context(hit->ctx);
	xcap_fill_net(e, net);
}

/* The fields of --action-c, no byte of which is an earlier event's. */
static __always_inline void xcap_fill_user(struct xcap_slot *slot, const struct xcap_hit *hit,
					   struct xcap_view *view, u32 length)
{
#if XCAP_ACTION_C
	for (int i = 0; i < XCAP_USER_WORDS; i++)
		slot->user_words[i] = 0;
	slot->has_user =
		xcap_ext_action(hit->skb, &view->pkt, length, &slot->user, xcap_hook(hit)) != 0;
#endif
}

/* Through memory, where the verifier forgets by which way of the filter it came. */
static __always_inline void xcap_settle(struct xcap_found *found, struct xcap_view *view)
{
	found->start = (u64)view->pkt.start;
	found->linear = view->pkt.linear;
	found->link = view->link;
	found->wire_len = view->pkt.wire_len;
	found->before = view->before;
	found->synth = view->synth;
	XCAP_FORGET();
	view->pkt.start = (void *)found->start;
	view->pkt.linear = found->linear;
	view->link = found->link;
	view->pkt.wire_len = found->wire_len;
	view->before = found->before;
	view->synth = found->synth;
}

/* All of an event, `most` bytes of its packet at most; returns how many. */
static __always_inline u64 xcap_fill_slot(struct xcap_slot *slot, const struct xcap_hit *hit,
					  const struct xcap_net *net, struct xcap_view *view,
					  u64 most, int small)
{
	/* A small event has it in the place of the packet, until that is copied. */
	struct xcap_found *found = small ? (struct xcap_found *)slot->data : &slot->found;
	u64 length;

	xcap_settle(found, view);
	xcap_fill(&slot->event, hit, net, view);
#if XCAP_WHO
	slot->event.socket = xcap_fill_who(&slot->who, hit);
#endif
	xcap_fill_rule(slot, hit);
	length = xcap_copy_packet(slot, found, hit, view, most, small);
#if XCAP_RETURNS
	if (hit->until_return && length > XCAP_PENDING_MAX)
		length = XCAP_PENDING_MAX;
#endif
	slot->event.captured_length = length;
	xcap_fill_user(slot, hit, view, length);
	return length;
}

/*
 * An event with few bytes, put together in the ring itself, which spares a slot and a copy. The
 * verifier wants to know how large a place in the ring is: there are two sizes, and what may be
 * longer has to be copied there.
 */
static __always_inline u32 xcap_send_small(const struct xcap_hit *hit, const struct xcap_net *net,
					   struct xcap_view *view)
{
	struct xcap_slot *slot;
	u64 most;

	if (XCAP_SMALL < XCAP_SMALL_MAX && xcap_fits(&view->pkt, XCAP_SMALL)) {
		slot = xcap_ringbuf_reserve(MAP(XCAP_MAP_RING), XCAP_DATA_AT + XCAP_SMALL, 0);
		XCAP_BRANCH_VALUE(most, XCAP_SMALL);
	} else {
		slot = xcap_ringbuf_reserve(MAP(XCAP_MAP_RING), XCAP_DATA_AT + XCAP_SMALL_MAX, 0);
		XCAP_BRANCH_VALUE(most, XCAP_CAPTURE_MAX < XCAP_SMALL_MAX ? XCAP_CAPTURE_MAX
									  : XCAP_SMALL_MAX);
	}
	if (!slot)
		return XCAP_COUNT_LOST;
	xcap_fill_slot(slot, hit, net, view, most, 1);
	xcap_ringbuf_submit(slot, 0);
	return XCAP_COUNT_SUBMITTED;
}

static __always_inline u32 xcap_send(const struct xcap_hit *hit, const struct xcap_net *net,
				     struct xcap_view *view)
{
	u32 place, outcome = XCAP_COUNT_LOST;
	struct xcap_nesting *nesting;
	struct xcap_slot *slot;
	u64 length;

	if (!hit->until_return && xcap_is_linear(&view->pkt) &&
	    xcap_fits(&view->pkt, XCAP_SMALL_MAX))
		return xcap_send_small(hit, net, view);
	slot = xcap_take_slot(&nesting, &place);
	if (!slot)
		return XCAP_COUNT_MISSED;
	length = xcap_fill_slot(slot, hit, net, view, XCAP_CAPTURE_MAX, 0);
	if (hit->until_return)
		outcome = xcap_keep(hit, slot);
	else if (xcap_ringbuf_output(MAP(XCAP_MAP_RING), slot, XCAP_DATA_AT + length, 0) == 0)
		outcome = XCAP_COUNT_SUBMITTED;
	xcap_release(nesting, place);
	return outcome;
}
#endif

#if XCAP_FILTER
/* The one filter that asks which header the packet has: see src/filter. */
static __always_inline u32 xcap_matches(struct xcap_view *view, u8 *window)
{
	if (view->link == XCAP_LINK_ETHERNET) {
#if XCAP_FILTER_L2_TAGGED
		if (xcap_tagged(view->pkt.hit, view))
			return xcap_filter_l2_tagged(&view->pkt, window);
#endif
		return xcap_filter_l2(&view->pkt, window);
	}
#if XCAP_FILTER_L3
	return xcap_filter_l3(&view->pkt, window);
#else
	return 0;
#endif
}

static __always_inline u32 xcap_reject_packet(struct xcap_view *view)
{
	u64 buffer[(XCAP_FILTER_WINDOW + 7) / 8];
	u8 *window = (u8 *)buffer;

#if !XCAP_FILTER_L3
	if (view->link != XCAP_LINK_ETHERNET)
		return XCAP_COUNT_REJECTED_NO_LINK;
#endif
	/* clang must not know its alignment: it would add to it by |=, which the verifier refuses.
	 */
	asm("" : "+r"(window));
	if (xcap_matches(view, window))
		return 0;
	if (view->pkt.outside && view->pkt.outside <= view->pkt.wire_len)
		return XCAP_COUNT_REJECTED_NONLINEAR;
	return XCAP_COUNT_REJECTED_FILTER;
}
#else
static __always_inline u32 xcap_reject_packet(struct xcap_view *view)
{
	return 0;
}
#endif

/* All who look at the bytes, the cheapest first. */
static __always_inline u32 xcap_reject_bytes(const struct xcap_hit *hit, struct xcap_view *view)
{
	u32 rejected = xcap_reject_packet(view);

	if (rejected)
		return rejected;
	rejected = xcap_reject_inner(view);
	if (rejected)
		return rejected;
	return xcap_reject_user(hit, view);
}

#if XCAP_FILTER_GATHERS
/* The packet put together in a slot; 0: there is none left. */
static __always_inline struct xcap_slot *xcap_gather_whole(struct xcap_view *view)
{
	struct xcap_nesting *nesting;
	struct xcap_slot *slot;
	u32 place;

	slot = xcap_take_slot(&nesting, &place);
	if (!slot)
		return 0;
	/* Kept in memory: the verifier goes through the rest once, whatever they are. */
	slot->found.start = (u64)view->pkt.start;
	slot->found.linear = view->pkt.linear;
	slot->found.link = view->link;
	slot->walk.place = place;
	view->pkt.linear = xcap_gather(slot, 0, view, XCAP_FILTER_GATHERS);
	view->pkt.start = xcap_plain_address(slot->data);
	XCAP_FORGET();
	view->link = slot->found.link;
	return slot;
}
#endif

/* The same of the packet put together, where they might ask for more than is linear: which is the
 * second way, see XCAP_SELDOM(). */
static __always_inline u32 xcap_reject_whole(const struct xcap_hit *hit, struct xcap_view *view)
{
#if XCAP_FILTER_GATHERS
	struct xcap_slot *slot = 0;
	u32 rejected;

	if (view->pkt.linear >= XCAP_FILTER_REACH || view->pkt.linear >= view->pkt.wire_len) {
	whole:
		rejected = xcap_reject_bytes(hit, view);
		if (slot) {
			view->pkt.start = (void *)slot->found.start;
			view->pkt.linear = slot->found.linear;
			xcap_release_place(slot->walk.place);
		}
		return rejected;
	} else {
		XCAP_SELDOM();
		slot = xcap_gather_whole(view);
		if (!slot)
			return XCAP_COUNT_MISSED;
		goto whole;
	}
#else
	return xcap_reject_bytes(hit, view);
#endif
}

/* The packet as it is, without asking a filter. */
static __always_inline void xcap_look(const struct xcap_hit *hit, struct xcap_net *net,
				      struct xcap_view *view)
{
	if (hit->xdp) {
		xcap_buffer_net(hit, net);
		xcap_xdp_view(hit, net, view);
	} else {
		xcap_net(hit, net);
		xcap_view(hit, net, view);
	}
}

/*
 * The count that the filters, or sampling, end the event in; 0: it is to be sent. A packet that
 * lacks headers goes the second way, see XCAP_SELDOM().
 */
static __always_inline u32 xcap_rejected(struct xcap_hit *hit, struct xcap_net *net,
					 struct xcap_view *view)
{
	u32 rejected = xcap_skip(hit), followed;

	if (rejected)
		return rejected;
	followed = xcap_track_find(hit);
#if XCAP_TRACK
	if (hit->follows && !followed)
		return XCAP_COUNT_REJECTED_UNTRACKED;
#endif
	if (hit->xdp)
		xcap_buffer_net(hit, net);
	else
		xcap_net(hit, net);
	if (!followed) {
		rejected = xcap_reject_metadata(hit, net);
		if (rejected)
			return rejected;
	}
	if (hit->xdp)
		xcap_xdp_view(hit, net, view);
	else
		xcap_view(hit, net, view);
	if (!xcap_is_bare(hit, view)) {
	complete:
		if (followed)
			return 0;
		rejected = xcap_reject_where(hit, net, view);
		if (rejected)
			return rejected;
		rejected = xcap_reject_whole(hit, view);
		if (rejected)
			return rejected;
		rejected = xcap_sample_out();
		if (!rejected)
			xcap_track_begin(hit);
		return rejected;
	} else {
		XCAP_SELDOM();
		rejected = xcap_synthesise(hit, view);
		if (rejected)
			return rejected;
		goto complete;
	}
}

static __always_inline u32 xcap_outcome(struct xcap_hit *hit)
{
	struct xcap_view view;
	struct xcap_net net;
	u32 outcome;

	view.place = -1;
	outcome = xcap_rejected(hit, &net, &view);
	if (!outcome)
		outcome = xcap_send(hit, &net, &view);
	xcap_release_synth(hit, &view);
	return outcome;
}

/* Some functions and tracepoints have a packet only now and then. */
static __always_inline int xcap_no_packet(const struct xcap_hit *hit)
{
	xcap_count(xcap_hook(hit), XCAP_COUNT_REJECTED_NO_PACKET);
	return 0;
}

static __always_inline int xcap_capture(struct xcap_hit *hit)
{
	u32 outcome;

	xcap_keep_cpu();
	outcome = xcap_outcome(hit);
	xcap_count(xcap_hook(hit), outcome);
	xcap_yield_cpu();
	return 0;
}

#endif
