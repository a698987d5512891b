/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where the packet of an skb starts, what its first byte is, and whose namespace it is in. */
#ifndef XCAP_PACKET_H
#define XCAP_PACKET_H

#include "helpers.h"
#include "filter.h"
#include "kernel.gen.h"

#define XCAP_LINK_RAW	   0
#define XCAP_LINK_ETHERNET 1

#define XCAP_MAC_UNSET 0xffff /* skb_mac_header_was_set() */

/* include/uapi/linux/if_arp.h */
#define ARPHRD_ETHER	1
#define ARPHRD_LOOPBACK 772

struct xcap_net {
	struct net_device *dev;
	/* Where there is no skb->dev yet: the route's device, an address for probe reads. */
	struct net_device *route_dev;
	u32 netns; /* 0: not known */
};

/* Reads a member whatever the pointer's origin: a typed load would need the verifier to know it. */
#define PROBE(p, member)                                                                           \
	({                                                                                         \
		__typeof__((p)->member) xcap_probed = 0;                                           \
		xcap_probe_read_kernel(&xcap_probed, sizeof(xcap_probed), &(p)->member);           \
		xcap_probed;                                                                       \
	})

/*
 * A packet that is being sent gets skb->dev late; its route knows the device. The word holds other
 * things for a queued TCP packet, hence the check that the device found is in the socket's
 * namespace.
 */
static __always_inline struct net_device *xcap_route_dev(struct sk_buff *skb, struct net *net)
{
#if XCAP_HAS_sk_buff___skb_refdst && XCAP_HAS_dst_entry__dev
	struct dst_entry *dst = (void *)(READ(skb, _skb_refdst) & ~7ull); /* SKB_DST_PTRMASK */
	struct net_device *dev;

	if ((s64)dst >= 0)
		return 0;
	dev = PROBE(dst, dev);
	if ((s64)dev >= 0 || PROBE(dev, nd_net.net) != net)
		return 0;
	return dev;
#else
	return 0;
#endif
}

/*
 * The device's namespace, else the socket's. While a datagram waits in a UDP receive queue,
 * skb->dev holds other data (udp_set_dev_scratch()): no kernel address then.
 */
static __always_inline void xcap_net(struct sk_buff *skb, struct sock *rx_sk, struct xcap_net *n)
{
	struct net_device *dev = READ(skb, dev);
	struct net *net = 0;
	struct sock *sk;

	n->dev = 0;
	n->route_dev = 0;
	n->netns = 0;
	if ((s64)dev < 0) {
		net = READ(dev, nd_net.net);
		n->dev = dev;
	}
	if (!net) {
		sk = READ(skb, sk);
		if (!sk)
			sk = rx_sk;
		if (sk)
			net = READ(sk, __sk_common.skc_net.net);
		if (net && !n->dev)
			n->route_dev = xcap_route_dev(skb, net);
	}
	if (net)
		n->netns = READ(net, ns.inum);
}

static __always_inline u32 xcap_ifindex(const struct xcap_net *n)
{
	if (n->dev)
		return READ(n->dev, ifindex);
	return n->route_dev ? PROBE(n->route_dev, ifindex) : 0;
}

/* IFNAMSIZ bytes; what follows the NUL is not defined. */
static __always_inline void xcap_ifname(const struct xcap_net *n, void *name)
{
	const struct net_device *dev = n->dev ? n->dev : n->route_dev;

	if (dev)
		xcap_probe_read_kernel(name, 16, &dev->name);
}

struct xcap_view {
	struct xcap_pkt pkt;
	u32 link;
};

/*
 * The MAC header counts when it was set, lies before the data, is not the network header itself
 * (mac_len 0: devices without link headers reset both to the same place), and the device is one
 * with Ethernet headers.
 */
static __always_inline void xcap_view(struct sk_buff *skb, struct net_device *dev,
				      struct xcap_view *v)
{
	u64 head = (u64)READ(skb, head);
	u32 data = (u64)READ(skb, data) - head;
	u32 mac = READ(skb, mac_header);
	u32 network = READ(skb, network_header);
	u32 tail = READ(skb, tail);
	u32 start = data;
	u32 type = dev ? READ(dev, type) : ARPHRD_ETHER;

	v->link = XCAP_LINK_RAW;
	if (mac != XCAP_MAC_UNSET && mac <= data &&
	    (type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK) &&
	    !(mac == network && READ(skb, mac_len) == 0)) {
		v->link = XCAP_LINK_ETHERNET;
		start = mac;
	} else if (network && network < tail) {
		start = network;
	}
	v->pkt.start = (void *)(head + start);
	v->pkt.linear = tail > start ? tail - start : 0;
	v->pkt.wire_len = READ(skb, len) + data - start;
}

#endif
