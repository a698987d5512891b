/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A packet before there is an skb of it: what XDP programs and AF_XDP sockets get. It starts at
 * its Ethernet header, and came in.
 */
#ifndef XCAP_XDP_H
#define XCAP_XDP_H

#include "packet.h"

#define XCAP_TYPE_AT 12 /* EtherType, behind the addresses */

static __always_inline void xcap_xdp_net(struct xdp_buff *xdp, struct xcap_net *n)
{
	struct xdp_rxq_info *rxq = PROBE(xdp, rxq);
	struct net *net;

	n->route_dev = 0;
	n->netns = 0;
	n->dev = PROBE(rxq, dev);
	net = PROBE(n->dev, nd_net.net);
	if ((s64)net < 0)
		n->netns = PROBE(net, ns.inum);
}

#define XCAP_XDP_FRAGS 1u /* XDP_FLAGS_HAS_FRAGS of include/net/xdp.h */

/* Bytes in pages behind the first buffer (5.18): its skb_shared_info is at the buffer's very end.
 */
static __always_inline u32 xcap_xdp_frag_bytes(struct xdp_buff *xdp)
{
#if XCAP_HAS_xdp_buff__flags && XCAP_HAS_skb_shared_info__xdp_frags_size
	if (PROBE(xdp, flags) & XCAP_XDP_FRAGS) {
		/* SKB_DATA_ALIGN(), with the cache lines of x86-64. */
		const u64 size = (sizeof(struct skb_shared_info) + 63) & ~63ull;
		u64 info = (u64)PROBE(xdp, data_hard_start) + PROBE(xdp, frame_sz) - size;

		return PROBE((struct skb_shared_info *)info, xdp_frags_size);
	}
#endif
	return 0;
}

static __always_inline void xcap_xdp_view(const struct xcap_hit *hit, const struct xcap_net *net,
					  struct xcap_view *v)
{
	void *data = PROBE(hit->xdp, data);
	void *end = PROBE(hit->xdp, data_end);

	v->link = XCAP_LINK_ETHERNET;
	v->pkt.start = data;
	v->pkt.linear = end > data ? end - data : 0;
	v->pkt.wire_len = v->pkt.linear + xcap_xdp_frag_bytes(hit->xdp);
	v->pkt.outside = 0;
	v->pkt.hit = hit;
	v->pkt.net = net;
	v->before = 0;
}

static __always_inline u32 xcap_xdp_queue(struct xdp_buff *xdp)
{
	struct xdp_rxq_info *rxq = PROBE(xdp, rxq);

	return PROBE(rxq, queue_index);
}

static __always_inline u32 xcap_xdp_protocol(struct xdp_buff *xdp)
{
	const u8 *data = PROBE(xdp, data);
	u16 type = 0;

	xcap_probe_read_kernel(&type, sizeof(type), data + XCAP_TYPE_AT);
	return __builtin_bswap16(type);
}

#endif
