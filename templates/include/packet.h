/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where the packet of an skb starts, what its first byte is, and what is known beside the bytes. */
#ifndef XCAP_PACKET_H
#define XCAP_PACKET_H

#include "helpers.h"
#include "hit.h"
#include "kernel.gen.h"

/* Hidden, or clang loads it and a packet's bytes by one instruction, which the verifier refuses. */
#define XCAP_META(field, p, value)                                                                 \
	({                                                                                         \
		int xcap_failed = xcap_meta_##field(p, value);                                     \
		u64 xcap_hidden = *(value);                                                        \
		XCAP_HIDE(xcap_hidden);                                                            \
		*(value) = xcap_hidden;                                                            \
		xcap_failed;                                                                       \
	})
#if XCAP_CASTS
/* Through types of the kernel that begin with a field of the size. */
#define XCAP_FIELD8(at)	 (XCAP_CAST((struct icmphdr *)(at))->type)
#define XCAP_FIELD16(at) (XCAP_CAST((struct udphdr *)(at))->source)
#define XCAP_FIELD32(at) (XCAP_CAST((struct in_addr *)(at))->s_addr)
#define XCAP_FIELD(bits, value, src)                                                               \
	({                                                                                         \
		*(value) = XCAP_FIELD##bits(src);                                                  \
		0;                                                                                 \
	})
#endif
#if XCAP_CASTS && XCAP_HAS_linux_binprm__buf
/*
 * The packet where it is, as the 256 bytes of linux_binprm.buf: in an array of bytes the verifier
 * takes loads of any size at any place (btf_struct_walk()). Constant places only: XCAP_VAR_STACK is
 * off.
 */
static __always_inline void *xcap_bytes(const void *at)
{
	return XCAP_CAST((struct linux_binprm *)(at - __builtin_offsetof(struct linux_binprm, buf)))
		->buf;
}

#define XCAP_WINDOW(w, pad, size, start, first)                                                    \
	({                                                                                         \
		(w) = xcap_bytes(start) + (first) - (pad);                                         \
		0;                                                                                 \
	})
#define XCAP_WORD(at) (*(const xcap_field64 *)(at))
/* struct skb_shared_info lies behind the linear part of every skb. */
#if XCAP_SKBS
#define XCAP_AHEAD(p, offset) XCAP_WORD(xcap_bytes((p)->start + (offset)))
#endif
#endif
#include "filter/filter.h"
#include "net.h"
#include "filter/tunnel.h"

#define XCAP_MAC_UNSET 0xffff /* skb_mac_header_was_set() */

struct xcap_view {
	struct xcap_pkt pkt;
	u64 link;
	/* Bytes of the packet that lie before skb->data; negative: it starts behind. */
	s32 before;
	u64 bare;  /* neither a MAC nor a network header was set */
	u32 synth; /* XCAP_SYNTH_*: the headers that we made up */
	s64 place; /* the slot that it was put together in for them; negative: none */
};

/* to - from, or 0 where that is negative; without a branch that the verifier would go both ways of.
 */
static __always_inline u64 xcap_between(u64 from, u64 to)
{
	s64 bytes = to - from, negative = bytes >> 63;

	XCAP_HIDE(negative);
	return bytes & ~negative;
}

/*
 * The MAC header counts when it was set, lies before the data, is not the network header itself
 * (mac_len 0: devices without link headers reset both to the same place), and the device is one
 * with Ethernet headers.
 */
static __always_inline void xcap_view(const struct xcap_hit *hit, const struct xcap_net *net,
				      struct xcap_view *v)
{
	u64 head = (u64)XCAP_SKB(hit, head);
	u64 data = (u64)XCAP_SKB(hit, data) - head;
	u64 mac = XCAP_SKB(hit, mac_header);
	u64 network = XCAP_SKB(hit, network_header);
	u64 tail = XCAP_SKB(hit, tail);
	u64 start = data;

	v->link = XCAP_LINK_RAW;
	v->bare = 0;
	v->synth = 0;
	/* Negative, as kernel addresses have the highest bit set, which the verifier does not
	 * know. It goes on alike where there is a slot. */
	v->place = (s64)head >> 63;
	if (hit->at_data) {
		if (xcap_on_ethernet(hit))
			v->link = XCAP_LINK_ETHERNET;
	} else if (mac != XCAP_MAC_UNSET && mac <= data && xcap_on_ethernet(hit) &&
		   !(mac == network && XCAP_SKB(hit, mac_len) == 0)) {
		v->link = XCAP_LINK_ETHERNET;
		start = mac;
	} else if (network && network < tail) {
		start = network;
	} else {
		v->bare = 1;
	}
	v->pkt.start = (void *)(head + start);
	v->pkt.linear = xcap_between(start, tail);
	v->pkt.wire_len = XCAP_SKB(hit, len) + data - start;
	v->pkt.outside = 0;
	v->pkt.hit = hit;
	v->pkt.net = net;
	v->before = data - start;
}

/* skb_shinfo() */
static __always_inline struct skb_shared_info *xcap_skb_info(struct sk_buff *skb)
{
	return (void *)((u64)PROBE(skb, head) + PROBE(skb, end));
}

/*
 * The VLAN tag that the kernel keeps beside the packet. Before 6.2 a bit says that there is one
 * (commit 354259fa73e2, "net: remove skb->vlan_present").
 */
static __always_inline u32 xcap_vlan_present(const struct xcap_hit *hit)
{
#if XCAP_HAS_sk_buff__vlan_all
	return XCAP_SKB(hit, vlan_all) != 0;
#else
	return XCAP_BITS_sk_buff__vlan_present(XCAP_SKB, hit);
#endif
}

/* There is a tag that is to be put back into the packet. */
static __always_inline u32 xcap_tagged(const struct xcap_hit *hit, const struct xcap_view *v)
{
	return v->link == XCAP_LINK_ETHERNET && !hit->socket && !v->synth && xcap_vlan_present(hit);
}

/* As it stands in a packet: TPID and TCI. */
static __always_inline u32 xcap_vlan_tag(const struct xcap_hit *hit)
{
	return XCAP_SKB(hit, vlan_proto) | (u32)XCAP_BE16((u16)XCAP_SKB(hit, vlan_tci)) << 16;
}

/* The packet's mark, or that of the socket which stands in for one. */
static __always_inline u32 xcap_mark(const struct xcap_hit *hit)
{
	if (!hit->socket)
		return XCAP_SKB(hit, mark);
	if (xcap_is_mini_socket(READ(xcap_rx_sk(hit), __sk_common.skc_state)))
		return 0;
	return READ(xcap_rx_sk(hit), sk_mark);
}

/* What only an skb has: not known of a socket alone. */
#define XCAP_META_OF_SKB(p, value)                                                                 \
	do {                                                                                       \
		*(value) = 0;                                                                      \
		if ((p)->hit->socket)                                                              \
			return -1;                                                                 \
	} while (0)

#define PACKET_OUTGOING 4 /* include/uapi/linux/if_packet.h */

/*
 * What a packet socket calls outgoing is a copy that was marked so. Here the hook tells, and where
 * it does not, that the packet is a socket's and never came from a device.
 */
static __always_inline int xcap_meta_pkttype(const struct xcap_pkt *p, u32 *value)
{
	struct sk_buff *skb = p->hit->skb;

	/* A socket's packet is made up as it would send it. */
	if (p->hit->socket || p->hit->direction == XCAP_DIRECTION_OUT ||
	    (p->hit->direction == XCAP_DIRECTION_ANY && XCAP_SKB(p->hit, skb_iif) == 0 &&
	     READ(skb, sk)))
		*value = PACKET_OUTGOING;
	else
		*value = XCAP_BITS_sk_buff__pkt_type(XCAP_SKB, p->hit);
	return 0;
}

/* The device that outputs name: the route's where there is no other yet. */
static __always_inline int xcap_meta_ifindex(const struct xcap_pkt *p, u32 *value)
{
	*value = xcap_ifindex(p->net);
	return *value ? 0 : -1;
}

static __always_inline int xcap_meta_hatype(const struct xcap_pkt *p, u32 *value)
{
	struct net_device *dev = xcap_dev(p->net);

	*value = 0;
	if (!dev)
		return -1;
	*value = READ(dev, type);
	return 0;
}

static __always_inline int xcap_meta_protocol(const struct xcap_pkt *p, u32 *value)
{
	XCAP_META_OF_SKB(p, value);
	*value = XCAP_BE16((u16)XCAP_SKB(p->hit, protocol));
	return 0;
}

static __always_inline int xcap_meta_mark(const struct xcap_pkt *p, u32 *value)
{
	XCAP_META_OF_SKB(p, value);
	*value = XCAP_SKB(p->hit, mark);
	return 0;
}

static __always_inline int xcap_meta_queue(const struct xcap_pkt *p, u32 *value)
{
	XCAP_META_OF_SKB(p, value);
	*value = XCAP_SKB(p->hit, queue_mapping);
	return 0;
}

static __always_inline int xcap_meta_rxhash(const struct xcap_pkt *p, u32 *value)
{
	XCAP_META_OF_SKB(p, value);
	*value = XCAP_SKB(p->hit, hash);
	return 0;
}

static __always_inline int xcap_meta_cpu(const struct xcap_pkt *p, u32 *value)
{
	*value = xcap_get_smp_processor_id();
	return 0;
}

static __always_inline int xcap_meta_random(const struct xcap_pkt *p, u32 *value)
{
	*value = xcap_get_prandom_u32();
	return 0;
}

static __always_inline int xcap_meta_vlan_present(const struct xcap_pkt *p, u32 *value)
{
	XCAP_META_OF_SKB(p, value);
	*value = xcap_vlan_present(p->hit);
	return 0;
}

static __always_inline int xcap_meta_vlan_tci(const struct xcap_pkt *p, u32 *value)
{
	XCAP_META_OF_SKB(p, value);
	*value = XCAP_SKB(p->hit, vlan_tci);
	return 0;
}

static __always_inline int xcap_meta_vlan_tpid(const struct xcap_pkt *p, u32 *value)
{
	XCAP_META_OF_SKB(p, value);
	*value = XCAP_BE16((u16)XCAP_SKB(p->hit, vlan_proto));
	return 0;
}

#endif
