/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The bytes of a packet that are not in the linear part: in pages (skb_shared_info.frags, of an skb
 * or of an xdp_buff), or in the skbs of its frag list. They are copied, behind the linear part, to
 * an event's slot: for the capture, and before that for a filter that asks for such bytes. Only
 * packets that have some come here.
 *
 * XCAP_PAGED_DYNPTR: bpf_dynptr_from_skb(), from 6.12 in BTF-typed tracing programs.
 * XCAP_PAGED_XDP: bpf_xdp_load_bytes(), from 5.18 in XDP programs.
 * XCAP_PAGED_PAGES: by the kernel's direct map (x86-64, where kallsyms has data symbols).
 */
#ifndef XCAP_GATHER_H
#define XCAP_GATHER_H

#include "helpers.h"
#include "event.h"
#include "packet.h"
#include "xdp/xdp.h"

#if XCAP_PAGED_DYNPTR || XCAP_PAGED_XDP || XCAP_PAGED_PAGES
#define XCAP_GATHERS 1
#else
#define XCAP_GATHERS 0
#endif

#if XCAP_GATHERS

/* The verifier's bound on a copy: what it can reach beyond the last byte that is wanted. */
#define XCAP_STEP_MASK (XCAP_GATHER_STEP - 1)

#if XCAP_PAGED_DYNPTR
struct xcap_dynptr {
	u64 opaque[2];
};

static long (*const xcap_dynptr_from_skb)(struct sk_buff *skb, u64 flags,
					  struct xcap_dynptr *ptr) = (void *)XCAP_PAGED_DYNPTR;
static long (*const xcap_dynptr_read)(void *dst, u32 len, const struct xcap_dynptr *src, u32 offset,
				      u64 flags) = (void *)201;

/* The dynptr starts at skb->data: what lies before it is linear. */
static __always_inline u32 xcap_gather(struct xcap_slot *slot, u64 at, const struct xcap_view *v,
				       const u64 most)
{
	volatile struct xcap_dynptr ptr;
	u64 before = v->before, length = v->pkt.wire_len;
	u32 offset = 0;
	long failed;

	at &= XCAP_TAG_BYTES;
	if (length > most - at)
		length = most - at;
	if ((s32)before < 0) {
		offset = -(s32)before;
		before = 0;
	}
	if (before >= length)
		return 0;
	length -= before;
	XCAP_HIDE(before);
	before &= XCAP_STEP_MASK / 2;
	if (before && xcap_probe_read_kernel(slot->data + at, before, v->pkt.start))
		return 0;
	at += before;
	failed = xcap_dynptr_from_skb(v->pkt.hit->given, 0, (struct xcap_dynptr *)&ptr);
	XCAP_HIDE(at);
	at &= XCAP_STEP_MASK;
	XCAP_HIDE(length);
	if (length > most)
		length = 0;
	failed |= xcap_dynptr_read(slot->data + at, length, (struct xcap_dynptr *)&ptr, offset, 0);
	/* No dynptr any more: clang puts other things there, which helpers may write. */
	ptr.opaque[0] = 0;
	ptr.opaque[1] = 0;
	return failed ? 0 : at + length;
}
#elif XCAP_PAGED_XDP
static __always_inline u32 xcap_gather(struct xcap_slot *slot, u64 at, const struct xcap_view *v,
				       const u64 most)
{
	u64 last = v->pkt.wire_len - 1;

	if (last > most - 1)
		last = most - 1;
	XCAP_HIDE(last);
	/* The verifier takes both bounds of the length from here: it must not be 0. */
	if (last > most - 1)
		return 0;
	XCAP_HIDE(last);
	if (xcap_xdp_load_bytes(v->pkt.hit->ctx, 0, slot->data, last + 1))
		return 0;
	return last + 1;
}
#else

/*
 * How many pieces of a packet are looked at for so many bytes: 48 are the pages of 64 KiB with all
 * their cuts, or the list of its fragments on Ethernet. Each costs the verifier its time.
 */
#define XCAP_PIECES(most) ((most) / 1024 < 40 ? 8 + (most) / 1024 : 48)

static __always_inline u64 xcap_variable(u64 address)
{
	u64 value = 0;

	xcap_probe_read_kernel(&value, sizeof(value), (void *)address);
	return value;
}

/* Of numbers below 2^63. Without a branch: the verifier would go on with each of its ways. */
static __always_inline u64 xcap_least(u64 a, u64 b)
{
	u64 less = a - b;
	u64 mask = (s64)less >> 63;

	XCAP_HIDE(mask);
	return b + (less & mask);
}

/* Copies of the piece what one copy may; 0 at the end of what is wanted, and where it fails. */
static __always_inline int xcap_copy_piece(struct xcap_slot *slot, volatile struct xcap_walk *walk,
					   const u64 most)
{
	u64 end = walk->end;
	u64 length = xcap_least(walk->wanted - end, walk->left);

	length = xcap_least(length, XCAP_GATHER_STEP / 2);
	walk->from += length;
	walk->left -= length;
	walk->end += length;
	XCAP_HIDE(end);
	if (end > most)
		return 0;
	length &= XCAP_STEP_MASK;
	if (xcap_probe_read_kernel(slot->data + end, length, (void *)(walk->from - length))) {
		walk->end = end;
		return 0;
	}
	return walk->end < walk->wanted;
}

/* Kernel memory, read to where the verifier keeps no account of it: see struct xcap_walk. */
#define XCAP_WALK_READ(walk, field, address)                                                       \
	xcap_probe_read_kernel((void *)&(walk)->field, sizeof((walk)->field),                      \
			       (const void *)(address))

/* Goes on to the next frag, else to the next skb of the list; 0 when there is none. */
static __always_inline int xcap_next_piece(volatile struct xcap_walk *walk)
{
	struct skb_shared_info *info = (void *)walk->info;
	struct sk_buff *skb;
	u64 frag = walk->frag;

	XCAP_WALK_READ(walk, frags, &info->nr_frags);
	if (frag < walk->frags) {
		walk->frag = frag + 1;
		XCAP_WALK_READ(walk, page, (u64)&info->frags + frag * sizeof(walk->page));
		if (walk->page.address & 1) /* not a page of memory */
			return 0;
		walk->from =
			walk->page_offset_base + walk->page.offset +
			((walk->page.address - walk->vmemmap_base) / XCAP_PAGE_STRUCT_BYTES << 12);
		walk->left = walk->page.length;
		return 1;
	}
	if (!walk->next)
		return 0;
	XCAP_WALK_READ(walk, skb, walk->next);
	skb = (void *)walk->skb;
	if (!skb)
		return 0;
	walk->next = (u64)&skb->next;
	XCAP_WALK_READ(walk, info, &skb->head);
	XCAP_WALK_READ(walk, skb_end, &skb->end);
	walk->info += walk->skb_end;
	walk->frag = 0;
	XCAP_WALK_READ(walk, from, &skb->data);
	XCAP_WALK_READ(walk, skb_len, &skb->len);
	XCAP_WALK_READ(walk, skb_data_len, &skb->data_len);
	walk->left = walk->skb_len - walk->skb_data_len;
	return 1;
}

static __always_inline u32 xcap_gather(struct xcap_slot *slot, u64 at, const struct xcap_view *v,
				       const u64 most)
{
	volatile struct xcap_walk *walk = &slot->walk;
	const struct xcap_hit *hit = v->pkt.hit;
	u32 i;

	walk->wanted = xcap_least(v->pkt.wire_len + at, most);
	walk->end = at;
	walk->from = (u64)v->pkt.start;
	walk->left = v->pkt.linear;
	walk->frag = 0;
	if (hit->xdp) {
		walk->info = (u64)xcap_xdp_info(hit->xdp);
		walk->next = 0;
	} else {
		struct skb_shared_info *info = xcap_skb_info(hit->skb);

		walk->info = (u64)info;
		walk->next = (u64)&info->frag_list;
	}
	walk->page_offset_base = xcap_variable(XCAP_PAGE_OFFSET_BASE);
	walk->vmemmap_base = xcap_variable(XCAP_VMEMMAP_BASE);
	for (i = 0; i < XCAP_PIECES(most); i++) {
		if (!xcap_copy_piece(slot, walk, most))
			break;
		if (!walk->left && !xcap_next_piece(walk))
			break;
	}
	return walk->end;
}
#endif

#endif
#endif
