/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The packet's bytes into the event's slot: the linear part, or all of it by gather.h, with the
 * VLAN tag put back that lies beside it.
 */
#ifndef XCAP_COPY_H
#define XCAP_COPY_H

#include "helpers.h"
#include "event.h"
#include "gather.h"
#include "hit.h"
#include "packet.h"

#if !XCAP_TOP
/* Copies to a place in the slot; returns where the copy ends, or `at` when memory was not there. */
static __always_inline u64 xcap_copy(struct xcap_slot *slot, u32 at, u64 room, const void *from,
				     u64 length)
{
	XCAP_HIDE(length);
	/* The verifier takes the size's bound from this compare. */
	if (length > room)
		length = room;
	XCAP_HIDE(length);
	if (length > room)
		length = 0;
	if (xcap_probe_read_kernel(slot->data + at, length, from))
		length = 0;
	return at + length;
}

/* There is room for the tag that is put back. */
#define XCAP_TAGS (XCAP_CAPTURE_MAX > XCAP_TAG_AT + XCAP_TAG_BYTES)

/* A VLAN tag that was taken out of the packet is put back, as tcpdump does. */
static __always_inline u64 xcap_copy_tagged(struct xcap_slot *slot, struct sk_buff *skb,
					    const struct xcap_pkt *pkt, u64 length)
{
#if XCAP_TAGS
	if (length >= XCAP_TAG_AT) {
		xcap_probe_read_kernel(slot->data, XCAP_TAG_AT, pkt->start);
		*(u32 *)(slot->data + XCAP_TAG_AT) = xcap_vlan_tag(skb);
		return xcap_copy(slot, XCAP_TAG_AT + XCAP_TAG_BYTES,
				 XCAP_CAPTURE_MAX - XCAP_TAG_AT - XCAP_TAG_BYTES,
				 pkt->start + XCAP_TAG_AT, length - XCAP_TAG_AT);
	}
#endif
	return xcap_copy(slot, 0, XCAP_CAPTURE_MAX, pkt->start, length);
}

static __always_inline u64 xcap_copy_linear(struct xcap_slot *slot, const struct xcap_hit *hit,
					    const struct xcap_pkt *pkt, u32 tagged)
{
	u64 length = pkt->linear;

	if (length > pkt->wire_len)
		length = pkt->wire_len;
	if (tagged)
		return xcap_copy_tagged(slot, hit->skb, pkt, length);
	return xcap_copy(slot, 0, XCAP_CAPTURE_MAX, pkt->start, length);
}

#if XCAP_GATHERS
/* The packet with what is not in the linear part. */
static __always_inline u64 xcap_copy_whole(struct xcap_slot *slot, const struct xcap_hit *hit,
					   const struct xcap_view *view)
{
	const volatile u32 *tagged = &slot->walk.tagged;
	u64 length =
		xcap_gather(slot, XCAP_TAGS ? *tagged * XCAP_TAG_BYTES : 0, view, XCAP_CAPTURE_MAX);

#if XCAP_PAGED_DYNPTR
	if (!length)
		return xcap_copy_linear(slot, hit, &view->pkt, *tagged);
#endif
#if XCAP_TAGS
	if (*tagged) {
		xcap_probe_read_kernel(slot->data, XCAP_TAG_AT, slot->data + XCAP_TAG_BYTES);
		*(u32 *)(slot->data + XCAP_TAG_AT) = xcap_vlan_tag(hit->skb);
	}
#endif
	XCAP_HIDE(length);
	return length > XCAP_CAPTURE_MAX ? XCAP_CAPTURE_MAX : length;
}
#endif

/* Captures the packet's bytes; returns how many. */
static __always_inline u64 xcap_copy_packet(struct xcap_slot *slot, const struct xcap_hit *hit,
					    const struct xcap_view *view)
{
	/* In memory: the verifier would go through all that follows once for each value. */
	volatile u32 *tagged = &slot->walk.tagged;
	u64 length;

	*tagged = xcap_tagged(hit, view);
	slot->event.wire_length += *tagged * XCAP_TAG_BYTES;
#if XCAP_GATHERS
	if (view->pkt.wire_len > view->pkt.linear && view->pkt.linear < XCAP_CAPTURE_MAX)
		length = xcap_copy_whole(slot, hit, view);
	else
#endif
		length = xcap_copy_linear(slot, hit, &view->pkt, *tagged);
	if (length < slot->event.wire_length && length < XCAP_CAPTURE_MAX)
		slot->event.flags |= XCAP_EVENT_LINEAR_ONLY;
	return length;
}
#endif

#endif
