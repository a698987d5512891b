/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The bytes of a packet that a filter may ask for and that are not in the linear part: in pages
 * (skb_shared_info.frags), or in the skbs of its frag list. They are copied, behind the linear
 * part, into a buffer of this event's, and the filter looks at that instead. Only packets
 * that have such bytes within the filter's reach come here.
 *
 * XCAP_PAGED_DYNPTR: bpf_dynptr_from_skb(), from 6.12 in BTF-typed tracing programs.
 * XCAP_PAGED_XDP: bpf_xdp_load_bytes(), from 5.18 in XDP programs.
 * XCAP_PAGED_PAGES: by the kernel's direct map (x86-64, where kallsyms has data symbols).
 */
#ifndef XCAP_PAGED_H
#define XCAP_PAGED_H

#include "helpers.h"
#include "packet.h"

#if XCAP_PAGED_BYTES

/* A power of two less one, so that it is a mask too: the verifier wants bounds next to their use.
 */
#define XCAP_PAGED_MASK (XCAP_PAGED_BYTES - 1)

struct xcap_paged {
	/* Where the walk is; in memory, as 5.10 follows every path of a loop that is in registers.
	 */
	u64 skb;
	u32 piece;
	u32 end;
	/* Room for a last piece of any size, and for a window fetched behind the end. */
	u8 bytes[2 * XCAP_PAGED_BYTES + 320];
};

#if XCAP_PAGED_DYNPTR
struct xcap_dynptr {
	u64 opaque[2];
};

static long (*const xcap_dynptr_from_skb)(struct sk_buff *skb, u64 flags,
					  struct xcap_dynptr *ptr) = (void *)XCAP_PAGED_DYNPTR;
static long (*const xcap_dynptr_read)(void *dst, u32 len, const struct xcap_dynptr *src, u32 offset,
				      u64 flags) = (void *)201;

/* The dynptr starts at skb->data: what lies before it is linear. */
static __always_inline u32 xcap_gather(struct xcap_paged *to, const struct xcap_view *v)
{
	volatile struct xcap_dynptr ptr;
	u64 before = v->before, length = v->pkt.wire_len;
	u32 offset = 0;
	long failed;

	if (length > XCAP_PAGED_MASK)
		length = XCAP_PAGED_MASK;
	if ((s32)before < 0) {
		offset = -(s32)before;
		before = 0;
	}
	if (before >= length)
		return 0;
	length -= before;
	XCAP_HIDE(before);
	before &= XCAP_PAGED_MASK;
	if (before && xcap_probe_read_kernel(to->bytes, before, v->pkt.start))
		return 0;
	failed = xcap_dynptr_from_skb(v->pkt.hit->skb, 0, (struct xcap_dynptr *)&ptr);
	XCAP_HIDE(before);
	XCAP_HIDE(length);
	before &= XCAP_PAGED_MASK;
	length &= XCAP_PAGED_MASK;
	failed |=
		xcap_dynptr_read(to->bytes + before, length, (struct xcap_dynptr *)&ptr, offset, 0);
	/* No dynptr any more: clang puts other things there, which helpers may write. */
	ptr.opaque[0] = 0;
	ptr.opaque[1] = 0;
	return failed ? 0 : before + length;
}
#elif XCAP_PAGED_XDP
static __always_inline u32 xcap_gather(struct xcap_paged *to, const struct xcap_view *v)
{
	u64 last = v->pkt.wire_len - 1;

	if (last > XCAP_PAGED_MASK - 1)
		last = XCAP_PAGED_MASK - 1;
	XCAP_HIDE(last);
	/* The verifier takes both bounds of the length from here: it must not be 0. */
	last &= XCAP_PAGED_MASK;
	if (xcap_xdp_load_bytes(v->pkt.hit->ctx, 0, to->bytes, last + 1))
		return 0;
	return last + 1;
}
#else
#define XCAP_PIECES 48

/* struct skb_frag, bio_vec before 6.9: a page (bit 0: not a page of memory), length, offset. */
struct xcap_frag {
	u64 page;
	u32 length;
	u32 offset;
};

static __always_inline u64 xcap_variable(u64 address)
{
	u64 value = 0;

	xcap_probe_read_kernel(&value, sizeof(value), (void *)address);
	return value;
}

static __always_inline u32 xcap_gather(struct xcap_paged *to, const struct xcap_view *v)
{
	volatile struct xcap_paged *walk = to;
	u32 wanted = v->pkt.wire_len, i;

	if (wanted > XCAP_PAGED_MASK)
		wanted = XCAP_PAGED_MASK;
	walk->skb = (u64)v->pkt.hit->skb;
	walk->piece = 0;
	walk->end = 0;
	for (i = 0; i < XCAP_PIECES; i++) {
		struct sk_buff *skb = (void *)walk->skb;
		u64 at = walk->end, length, address;
		u32 piece = walk->piece;

		if (at >= wanted)
			break;
		walk->piece = piece + 1;
		if (piece == 0 && at == 0) {
			address = (u64)v->pkt.start;
			length = v->pkt.linear;
		} else if (piece == 0) {
			address = (u64)PROBE(skb, data);
			length = PROBE(skb, len) - PROBE(skb, data_len);
		} else {
			struct skb_shared_info *info = (void *)PROBE(skb, head) + PROBE(skb, end);

			if (piece > PROBE(info, nr_frags)) {
				struct sk_buff *next = skb == v->pkt.hit->skb
							       ? (void *)PROBE(info, frag_list)
							       : (void *)PROBE(skb, next);

				if (!next)
					break;
				walk->skb = (u64)next;
				walk->piece = 0;
				continue;
			}
			struct xcap_frag frag = {};

			xcap_probe_read_kernel(&frag, sizeof(frag),
					       (void *)&info->frags +
						       (u64)(piece - 1) * sizeof(frag));
			if (frag.page & 1)
				break;
			address = xcap_variable(XCAP_PAGE_OFFSET_BASE) + frag.offset +
				  (((frag.page - xcap_variable(XCAP_VMEMMAP_BASE)) /
				    XCAP_PAGE_STRUCT_BYTES)
				   << 12);
			length = frag.length;
		}
		if (length > wanted - at)
			length = wanted - at;
		XCAP_HIDE(length);
		XCAP_HIDE(at);
		at &= XCAP_PAGED_MASK;
		length &= XCAP_PAGED_MASK;
		if (length && xcap_probe_read_kernel(to->bytes + at, length, (void *)address))
			break;
		walk->end = at + length;
	}
	return walk->end;
}
#endif

static __always_inline struct xcap_paged *xcap_paged_buffer(u32 place)
{
	u32 index = xcap_get_smp_processor_id() * XCAP_SLOTS + place;

	return xcap_map_lookup_elem(MAP(XCAP_MAP_PAGED), &index);
}

/* The same address as a number: the verifier would check every use of a map pointer anew. */
static __always_inline const void *xcap_plain_address(const void *pointer)
{
	u64 kept = (u64)pointer, plain = 0;

	xcap_probe_read_kernel(&plain, sizeof(plain), &kept);
	return (const void *)plain;
}

#endif
#endif
