/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A packet before there is an skb of it: what XDP programs and AF_XDP sockets get. It starts at
 * its Ethernet header. What came in is an xdp_buff; what zero-copy sockets send is a descriptor.
 */
#ifndef XCAP_XDP_H
#define XCAP_XDP_H

#include "packet.h"
#include "who/inode.h"

#define XCAP_TYPE_AT 12 /* EtherType, behind the addresses */

#if XCAP_XSK
/* A zero-copy socket's frame, as xp_raw_get_data() finds it; of unaligned chunks the address has
 * its offset in the upper 16 bits (include/uapi/linux/if_xdp.h, XSK_UNALIGNED_BUF_OFFSET_SHIFT). */
static __always_inline void *xcap_descriptor_data(const struct xcap_hit *hit)
{
	u64 address = PROBE(hit->descriptor, addr);
	u64 offset = address >> 48;

	address &= (1ull << 48) - 1;
	return (void *)((u64)PROBE((struct xsk_buff_pool *)hit->xdp, addrs) + address + offset);
}

/*
 * What all events of a batch have in common, on the stack of the program that loops over them. That
 * has 32 bytes, the least that counts, of the 512 that it shares with what it has called.
 */
struct xcap_batch {
	u64 *ctx;
	u64 pool;
	struct xdp_desc *descriptors;
	u64 length;
};

#if XCAP_HAS_xsk_buff_pool__tx_descs
static __always_inline void xcap_each_of_batch(u64 *ctx, u32 pool, void *callback)
{
	struct xcap_batch batch = {.ctx = ctx};

	xcap_get_func_arg(ctx, pool, &batch.pool);
	xcap_get_func_ret(ctx, &batch.length);
	xcap_probe_read_kernel(&batch.descriptors, sizeof(batch.descriptors),
			       &((struct xsk_buff_pool *)batch.pool)->tx_descs);
	xcap_loop(batch.length, callback, &batch, 0);
}

/* As many as there are places in any driver's ring. */
#define XCAP_BATCH_MAX 8192

/*
 * Where several sockets share a pool xsk_tx_peek_release_fallback() fills the batch one by one.
 * Drivers that ask for one descriptor have it on their stack.
 */
static __always_inline u32 xcap_in_batch(u64 pool, u64 descriptor)
{
	u64 descriptors = 0;

	/* Not loaded: from 6.17 on it would be a pointer, with which nobody may reckon. */
	xcap_probe_read_kernel(&descriptors, sizeof(descriptors),
			       &((struct xsk_buff_pool *)pool)->tx_descs);
	return descriptor - descriptors < XCAP_BATCH_MAX * sizeof(struct xdp_desc);
}
#endif
#endif

static __always_inline void xcap_net_of_device(struct net_device *dev, struct xcap_net *n)
{
	struct net *net;

	n->netns = 0;
	n->dev = dev;
	net = PROBE(n->dev, nd_net.net);
	if ((s64)net < 0)
		n->netns = PROBE(net, ns.inum);
}

static __always_inline void xcap_xdp_net(struct xdp_buff *xdp, struct xcap_net *n)
{
	struct xdp_rxq_info *rxq = PROBE(xdp, rxq);

	xcap_net_of_device(PROBE(rxq, dev), n);
}

/* Of a packet without an skb. */
static __always_inline void xcap_buffer_net(const struct xcap_hit *hit, struct xcap_net *n)
{
	n->hit = hit;
#if XCAP_XSK
	if (hit->descriptor) {
		xcap_net_of_device(PROBE((struct xsk_buff_pool *)hit->xdp, netdev), n);
		return;
	}
#endif
	xcap_xdp_net(hit->xdp, n);
}

#define XCAP_XDP_FRAGS 1u /* XDP_FLAGS_HAS_FRAGS of include/net/xdp.h */

/* xdp_get_shared_info_from_buff(): at the buffer's very end. */
static __always_inline struct skb_shared_info *xcap_xdp_info(struct xdp_buff *xdp)
{
	/* SKB_DATA_ALIGN(), with the cache lines of x86-64. */
	const u64 size = (sizeof(struct skb_shared_info) + 63) & ~63ull;

	return (void *)((u64)PROBE(xdp, data_hard_start) + PROBE(xdp, frame_sz) - size);
}

/* Bytes in pages behind the first buffer (5.18). */
static __always_inline u32 xcap_xdp_frag_bytes(struct xdp_buff *xdp)
{
#if XCAP_HAS_xdp_buff__flags && XCAP_HAS_skb_shared_info__xdp_frags_size
	if (PROBE(xdp, flags) & XCAP_XDP_FRAGS)
		return PROBE(xcap_xdp_info(xdp), xdp_frags_size);
#endif
	return 0;
}

static __always_inline void xcap_xdp_view(const struct xcap_hit *hit, const struct xcap_net *net,
					  struct xcap_view *v)
{
	v->link = XCAP_LINK_ETHERNET;
#if XCAP_XSK
	if (hit->descriptor) {
		v->pkt.start = xcap_descriptor_data(hit);
		v->pkt.linear = PROBE(hit->descriptor, len);
		v->pkt.wire_len = v->pkt.linear;
	} else
#endif
	{
		void *data = PROBE(hit->xdp, data);
		void *end = PROBE(hit->xdp, data_end);

		v->pkt.start = data;
		v->pkt.linear = end > data ? end - data : 0;
		v->pkt.wire_len = v->pkt.linear + xcap_xdp_frag_bytes(hit->xdp);
	}
	v->pkt.outside = 0;
	v->pkt.hit = hit;
	v->pkt.net = net;
	v->before = 0;
	v->bare = 0;
	v->synth = 0;
}

static __always_inline u32 xcap_xdp_queue(const struct xcap_hit *hit)
{
	struct xdp_rxq_info *rxq;

#if XCAP_XSK
	if (hit->descriptor)
		return PROBE((struct xsk_buff_pool *)hit->xdp, queue_id);
#endif
	rxq = PROBE(hit->xdp, rxq);
	return PROBE(rxq, queue_index);
}

static __always_inline u32 xcap_xdp_protocol(const struct xcap_view *view)
{
	u16 type = 0;

	xcap_probe_read_kernel(&type, sizeof(type), view->pkt.start + XCAP_TYPE_AT);
	return __builtin_bswap16(type);
}

#endif
