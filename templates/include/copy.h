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
static __always_inline u64 xcap_copy_tagged(struct xcap_slot *slot, const struct xcap_hit *hit,
					    const struct xcap_pkt *pkt, u64 length, u64 most)
{
#if XCAP_TAGS
	if (length >= XCAP_TAG_AT) {
		xcap_probe_read_kernel(slot->data, XCAP_TAG_AT, pkt->start);
		*(u32 *)(slot->data + XCAP_TAG_AT) = xcap_vlan_tag(hit);
		return xcap_copy(slot, XCAP_TAG_AT + XCAP_TAG_BYTES,
				 most - XCAP_TAG_AT - XCAP_TAG_BYTES, pkt->start + XCAP_TAG_AT,
				 length - XCAP_TAG_AT);
	}
#endif
	return xcap_copy(slot, 0, most, pkt->start, length);
}

#if XCAP_CASTS && XCAP_HAS_rtnl_link_stats64
#define XCAP_WORDS 1
/* Words of the kernel that lie side by side: the verifier lets a program load no others. */
#define XCAP_WORDS_BYTES 64
_Static_assert(sizeof(struct rtnl_link_stats64) >= XCAP_WORDS_BYTES, "struct rtnl_link_stats64");

/*
 * As xcap_copy(), but by words, without a call, into an event in the ring. What lies behind the
 * packet is of no account, and there is some: an skb's linear part is followed by struct
 * skb_shared_info.
 */
static __always_inline u64 xcap_copy_words(struct xcap_slot *slot, const void *from, u64 length,
					   u64 most)
{
	u64 *to = (u64 *)slot->data;

	/* What was found lies there: to clang words of another type, that may be read later. */
	XCAP_FORGET();
#pragma unroll
	for (u32 part = 0; part < XCAP_SMALL_MAX; part += XCAP_WORDS_BYTES) {
		const u64 *words = (u64 *)XCAP_CAST((struct rtnl_link_stats64 *)(from + part));

		if (part >= XCAP_SMALL && (most <= part || length <= part))
			break;
#pragma unroll
		for (u32 i = 0; i < XCAP_WORDS_BYTES / 8 && part + 8 * i < XCAP_SMALL_MAX; i++)
			to[part / 8 + i] = words[i];
	}
	return length > most ? most : length;
}
#endif

static __always_inline u64 xcap_copy_linear(struct xcap_slot *slot, const struct xcap_hit *hit,
					    const struct xcap_pkt *pkt, u32 tagged, u64 most,
					    int small)
{
	u64 length = pkt->linear;

	if (length > pkt->wire_len)
		length = pkt->wire_len;
	if (tagged)
		return xcap_copy_tagged(slot, hit, pkt, length, most);
#if XCAP_WORDS
	if (small)
		return xcap_copy_words(slot, pkt->start, length, most);
#endif
	return xcap_copy(slot, 0, most, pkt->start, length);
}

#if XCAP_GATHERS
/* The packet with what is not in the linear part. */
static __always_inline u64 xcap_copy_whole(struct xcap_slot *slot, const struct xcap_hit *hit,
					   const struct xcap_view *view)
{
	const volatile u32 *tagged = &slot->found.tagged;
	u64 length =
		xcap_gather(slot, XCAP_TAGS ? *tagged * XCAP_TAG_BYTES : 0, view, XCAP_CAPTURE_MAX);

#if XCAP_PAGED_DYNPTR
	if (!length)
		return xcap_copy_linear(slot, hit, &view->pkt, *tagged, XCAP_CAPTURE_MAX, 0);
#endif
#if XCAP_TAGS
	if (*tagged) {
		xcap_probe_read_kernel(slot->data, XCAP_TAG_AT, slot->data + XCAP_TAG_BYTES);
		*(u32 *)(slot->data + XCAP_TAG_AT) = xcap_vlan_tag(hit);
	}
#endif
	XCAP_HIDE(length);
	return length > XCAP_CAPTURE_MAX ? XCAP_CAPTURE_MAX : length;
}
#endif

/* All that is to be captured lies in the linear part. */
static __always_inline int xcap_is_linear(const struct xcap_pkt *pkt)
{
	return !XCAP_GATHERS || pkt->wire_len <= pkt->linear || pkt->linear >= XCAP_CAPTURE_MAX;
}

/* `room` bytes are enough for it. */
static __always_inline int xcap_fits(const struct xcap_pkt *pkt, u64 room)
{
	return XCAP_CAPTURE_MAX <= room || pkt->linear <= room - XCAP_TAG_BYTES;
}

/*
 * Captures the packet's bytes, `most` of them at most, to a small event or a slot; returns how
 * many.
 */
static __always_inline u64 xcap_copy_packet(struct xcap_slot *slot,
					    volatile struct xcap_found *found,
					    const struct xcap_hit *hit,
					    const struct xcap_view *view, u64 most, int small)
{
	/* In memory: the verifier would go through all that follows once for each value. */
	u64 tagged, length;

	found->tagged = xcap_tagged(hit, view);
	tagged = found->tagged;
	slot->event.wire_length += tagged * XCAP_TAG_BYTES;
#if XCAP_GATHERS
	if (!small && !xcap_is_linear(&view->pkt))
		length = xcap_copy_whole(slot, hit, view);
	else
#endif
		length = xcap_copy_linear(slot, hit, &view->pkt, tagged, most, small);
	if (length < slot->event.wire_length && length < XCAP_CAPTURE_MAX)
		slot->event.flags |= XCAP_EVENT_LINEAR_ONLY;
	return length;
}
#endif

#endif
