/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* --inner: the packet inside a tunnel packet, and the filter that it has to match. */
#ifndef XCAP_INNER_H
#define XCAP_INNER_H

#include "packet.h"
#include "filter/tunnel.h"
#include "events.gen.h"
#include "inner.gen.h"

#if XCAP_INNER

#define ENCAP_TYPE_ETHER 0 /* include/linux/skbuff.h: inner_protocol is an EtherType */

/*
 * A tunnel device that sends says where the inner headers are. skb->encapsulation tells nothing:
 * iptunnel_handle_offloads() clears it again where no checksum is left to do. The offsets stay
 * behind when the tunnel ends: so they count only behind the network header and where an IP header
 * is. inner_mac_header is right for Ethernet only: for IP tunnels it is wherever a MAC header once
 * was.
 */
static __always_inline int xcap_inner_marked(struct xcap_view *v, struct xcap_inner *inner)
{
	struct sk_buff *skb = v->pkt.hit->skb;
	u32 start, network, mac, value = 0;

	start = (u64)READ(skb, data) - (u64)READ(skb, head) - v->before;
	network = READ(skb, inner_network_header);
	mac = READ(skb, inner_mac_header);
	if (network <= (u32)READ(skb, network_header) || network < start ||
	    network - start >= v->pkt.linear)
		return -1;
	if (XCAP_BITS_sk_buff__inner_protocol_type(READ, skb) == ENCAP_TYPE_ETHER &&
	    READ(skb, inner_protocol) == XCAP_BE16(ETH_P_TEB)) {
		if (mac <= (u32)READ(skb, network_header) || mac + 14 > network)
			return -1;
		inner->offset = mac - start;
		inner->link = XCAP_LINK_ETHERNET;
		return 0;
	}
	if (xcap_load8(&v->pkt, network - start, &value) || (value >> 4 != 4 && value >> 4 != 6))
		return -1;
	inner->offset = network - start;
	inner->link = XCAP_LINK_RAW;
	return 0;
}

#if XCAP_INNER_FILTER
static __always_inline u32 xcap_inner_matches(struct xcap_pkt *p, u32 link)
{
	u64 buffer[(XCAP_INNER_WINDOW + 7) / 8];
	u8 *window = (u8 *)buffer;

	XCAP_HIDE(window);
	if (link == XCAP_LINK_ETHERNET)
		return xcap_inner_l2(p, window);
#if XCAP_INNER_L3
	return xcap_inner_l3(p, window);
#else
	return 0;
#endif
}
#else
static __always_inline u32 xcap_inner_matches(struct xcap_pkt *p, u32 link)
{
	return 1;
}
#endif

static __always_inline u32 xcap_reject_inner(struct xcap_view *view)
{
	struct xcap_inner inner = {.offset = 0};
	struct xcap_pkt p;

	view->pkt.outside = 0;
	if (xcap_inner_marked(view, &inner)) {
		view->pkt.outside = 0;
		if (xcap_tunnel(&view->pkt, view->link, &inner))
			goto none;
	}
	if (inner.offset >= view->pkt.linear) {
		xcap_outside(&view->pkt, inner.offset + 1);
		goto none;
	}
	/* Not copied whole: verifiers before 5.12 refuse to read the padding. */
	p.start = view->pkt.start + inner.offset;
	p.linear = view->pkt.linear - inner.offset;
	p.wire_len = view->pkt.wire_len - inner.offset;
	p.outside = 0;
	p.hit = view->pkt.hit;
	p.net = view->pkt.net;
	if (xcap_inner_matches(&p, inner.link))
		return 0;
	if (p.outside && p.outside <= p.wire_len)
		return XCAP_COUNT_REJECTED_NONLINEAR;
	return XCAP_COUNT_REJECTED_INNER;
none:
	if (view->pkt.outside && view->pkt.outside <= view->pkt.wire_len)
		return XCAP_COUNT_REJECTED_NONLINEAR;
	return XCAP_COUNT_REJECTED_NO_INNER;
}

#else
static __always_inline u32 xcap_reject_inner(struct xcap_view *view)
{
	return 0;
}
#endif

#endif
