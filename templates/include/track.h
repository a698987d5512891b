/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * --track: what matched once is followed, whatever becomes of it. A bounded map has the addresses
 * of skbs that a followed packet is in, and of the memory that holds its bytes (skb->head, and
 * data_hard_start before there is an skb), each with the packet's id. What has a place there goes
 * by no filter. An address is used again as soon as it is free, and a stale one would name the
 * wrong packet: so places end with their skb, and where in doubt there is none.
 *
 * Clones and copies become known by the functions that make them. XCAP_TRACK_BY_HEAD, where no
 * function can be hooked: clones by the memory that they share, when they come by a hook.
 */
#ifndef XCAP_TRACK_H
#define XCAP_TRACK_H

#include "helpers.h"
#include "hit.h"
#include "count.h"
#include "packet.h"

#if XCAP_TRACK

struct xcap_tracked {
	u64 id;
	u64 other; /* of an skb its head; of a head the skb that came by with it, 0: none yet */
	u64 hooks; /* of a head without skb: those that saw it, by their numbers modulo 64 */
	u64 time_ns;
	u64 freed; /* of a head an skb that has left it to its clones, and is not back in its cache
		    */
};

/* From an XDP program to the skb; a buffer that was dropped is used again later. */
#define XCAP_TRACK_CROSSING_NS 100000000

#define XCAP_BPF_ANY	 0
#define XCAP_BPF_NOEXIST 1

static __always_inline struct xcap_tracked *xcap_tracked(u64 address)
{
	return xcap_map_lookup_elem(MAP(XCAP_MAP_TRACKED), &address);
}

static __always_inline void xcap_untrack(u64 address)
{
	xcap_map_delete_elem(MAP(XCAP_MAP_TRACKED), &address);
}

static __always_inline u64 xcap_track_word(u64 address)
{
	u64 word = 0;

	xcap_probe_read_kernel(&word, sizeof(word), (void *)address);
	return word;
}

static __always_inline u64 xcap_track_head(u64 skb)
{
	return xcap_track_word(skb + __builtin_offsetof(struct sk_buff, head));
}

static __always_inline int xcap_track_put(u32 hook, u64 address, const struct xcap_tracked *value,
					  u64 how)
{
	long error = xcap_map_update_elem(MAP(XCAP_MAP_TRACKED), &address, value, how);

	if (!error)
		return 1;
	/* EEXIST is a head's: that of the skb before is as good. */
	if (how == XCAP_BPF_ANY)
		xcap_count(hook, XCAP_COUNT_UNTRACKED);
	return 0;
}

/* Before every part of the following is attached, an end could be missed. */
static __always_inline int xcap_track_on(void)
{
	u32 zero = 0;
	const volatile u32 *on = xcap_map_lookup_elem(MAP(XCAP_MAP_TRACKING), &zero);

	return on && *on;
}

/* 1, 2, ... on the first CPU of two, 2, 4, ... on the other: small numbers, each once in a run. */
static __always_inline u64 xcap_track_new_id(void)
{
	u32 zero = 0;
	u64 *last = xcap_map_lookup_elem(MAP(XCAP_MAP_TRACK_IDS), &zero);
	u64 count;

	if (!last)
		return 0;
#if XCAP_CLAIMS_SLOTS
	count = __sync_fetch_and_add(last, 1);
#else
	count = (*last)++;
#endif
	return count * XCAP_TRACK_CPUS + xcap_get_smp_processor_id() + 1;
}

/* The low half of dataref: how many skbs share the memory (SKB_DATAREF_MASK). */
static __always_inline u32 xcap_track_sharers(u64 skb, u64 head)
{
	u32 end = 0, dataref = 0;

	xcap_probe_read_kernel(&end, sizeof(end), &((struct sk_buff *)skb)->end);
	xcap_probe_read_kernel(&dataref, sizeof(dataref),
			       &((struct skb_shared_info *)(head + end))->dataref.counter);
	return dataref & 0xffff;
}

/* May an skb that is not known be one of the packet whose memory it has? */
static __always_inline int xcap_track_shares(const struct xcap_hit *hit,
					     const struct xcap_tracked *of, u64 head)
{
	if (!of->other)
		return xcap_ktime_get_ns() - of->time_ns < XCAP_TRACK_CROSSING_NS;
#if XCAP_TRACK_BY_HEAD
	/* A clone is marked as one. The other must still be here, or have left it in sharing. */
	if (!XCAP_BITS_sk_buff__cloned(READ, hit->skb))
		return 0;
	return !xcap_tracked(of->other) || xcap_track_head(of->other) == head;
#else
	return 0;
#endif
}

static __always_inline u64 xcap_track_of_skb(const struct xcap_hit *hit)
{
	u64 skb = (u64)hit->skb, head = (u64)READ(hit->skb, head);
	struct xcap_tracked *known = xcap_tracked(skb);
	struct xcap_tracked value = {};

	if (known) {
		value.id = known->id;
		if (XCAP_TRACK_HEADS && known->other != head) { /* pskb_expand_head() */
			xcap_untrack(known->other);
			known->other = head;
			value.other = skb;
			xcap_track_put(xcap_hook(hit), head, &value, XCAP_BPF_NOEXIST);
		}
		return value.id;
	}
	if (!XCAP_TRACK_HEADS)
		return 0;
	known = xcap_tracked(head);
	if (!known)
		return 0;
	if (!xcap_track_shares(hit, known, head)) {
		if (!known->other)
			xcap_untrack(head);
		return 0;
	}
	if (!known->other)
		known->other = skb;
	value.id = known->id;
	value.other = head;
	xcap_track_put(xcap_hook(hit), skb, &value, XCAP_BPF_ANY);
	return value.id;
}

static __always_inline u64 xcap_track_of_buffer(const struct xcap_hit *hit)
{
	u64 head = (u64)PROBE(hit->xdp, data_hard_start), bit = 1ull << (xcap_hook(hit) & 63);
	struct xcap_tracked *known = xcap_tracked(head);

	if (!known)
		return 0;
	if (!known->other) {
		/* A packet comes by a hook once: this is another one, in the same memory. */
		if (known->hooks & bit ||
		    xcap_ktime_get_ns() - known->time_ns > XCAP_TRACK_CROSSING_NS) {
			xcap_untrack(head);
			return 0;
		}
		known->hooks |= bit;
	}
	return known->id;
}

/* Is it of a packet that is followed? Then no filter is asked. */
static __always_inline u32 xcap_track_find(struct xcap_hit *hit)
{
	u64 id;

	if (hit->descriptor)
		return 0;
	id = hit->xdp ? xcap_track_of_buffer(hit) : xcap_track_of_skb(hit);
	if (!id)
		return 0;
	hit->packet_id = id;
	return 1;
}

/* It matched: from here on it is followed, unless it ends here. */
static __always_inline void xcap_track_begin(struct xcap_hit *hit)
{
	struct xcap_tracked value = {};
	u64 head;

	if (!xcap_track_on())
		return;
	value.id = xcap_track_new_id();
	hit->packet_id = value.id;
	if (hit->ends || hit->descriptor)
		return;
	if (hit->xdp) {
		value.hooks = 1ull << (xcap_hook(hit) & 63);
		value.time_ns = xcap_ktime_get_ns();
		xcap_track_put(xcap_hook(hit), (u64)PROBE(hit->xdp, data_hard_start), &value,
			       XCAP_BPF_ANY);
		return;
	}
	head = (u64)READ(hit->skb, head);
	value.other = head;
	if (!xcap_track_put(xcap_hook(hit), (u64)hit->skb, &value, XCAP_BPF_ANY))
		return;
	if (!XCAP_TRACK_HEADS)
		return;
	value.other = (u64)hit->skb;
	xcap_track_put(xcap_hook(hit), head, &value, XCAP_BPF_ANY);
}

/* A clone or a copy is being made of `from`. What had the address before is gone. */
static __always_inline int xcap_track_copy(u64 to, u64 from)
{
	struct xcap_tracked *known = xcap_tracked(from);
	struct xcap_tracked value = {};

	if (!known) {
		xcap_untrack(to);
		return 0;
	}
	/* Its memory shows when it comes by. */
	value.id = known->id;
	xcap_track_put(0, to, &value, XCAP_BPF_ANY);
	return 0;
}

/* The skb is given back. */
static __always_inline int xcap_track_end(u64 skb)
{
	u64 head = xcap_track_head(skb);
	struct xcap_tracked *known;

	xcap_untrack(skb);
	if (!XCAP_TRACK_HEADS)
		return 0;
	known = xcap_tracked(head);
	if (!known)
		return 0;
#if XCAP_TRACK_BY_HEAD
	/* Clones that have not come by yet are known by it. */
	if (xcap_track_sharers(skb, head) > 1) {
		known->freed = skb;
		return 0;
	}
#endif
	xcap_untrack(head);
	return 0;
}

#if XCAP_TRACK_BY_HEAD && XCAP_HAS_kmem_cache__object_size
/*
 * Memory goes back to a slab cache: of caches that can have skbs in them, as TCP frees those that
 * it is done with by no tracepoint. An skb with a place for its clone (skbuff_fclone_cache) is
 * twice as large, and neither is free before both are. Whether anybody still shares its memory does
 * not show: only where it was freed by a tracepoint before this is known.
 */
static __always_inline int xcap_track_slab(u64 skb, struct kmem_cache *cache)
{
	u32 size = READ(cache, object_size), pair = size > 2 * sizeof(struct sk_buff);
	struct xcap_tracked *known;
	u64 clone, head;

	if (size < sizeof(struct sk_buff) || size > 2 * sizeof(struct sk_buff) + 128)
		return 0;
	if (xcap_tracked(skb))
		xcap_untrack(skb);
	if (pair) {
		clone = skb + sizeof(struct sk_buff);
		known = xcap_tracked(clone);
		if (known) {
			head = known->other;
			xcap_untrack(clone);
			xcap_untrack(head);
		}
	}
	head = xcap_track_head(skb);
	known = xcap_tracked(head);
	if (known && (pair || known->freed != skb))
		xcap_untrack(head);
	return 0;
}
#endif

#else

static __always_inline u32 xcap_track_find(struct xcap_hit *hit)
{
	return 0;
}

static __always_inline void xcap_track_begin(struct xcap_hit *hit)
{
}

#endif

#endif
