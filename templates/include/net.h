/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Whose packet it is: its network namespace and its device. */
#ifndef XCAP_NET_H
#define XCAP_NET_H

#include "helpers.h"
#include "hit.h"
#include "kernel.gen.h"

/*
 * Whose packet it is. What an skb knows of that is asked where it is wanted, by xcap_netns() and
 * xcap_dev(): most events are rejected without, and the verifier would go through the rest of the
 * program once for each kind of it.
 */
struct xcap_net {
	const struct xcap_hit *hit;
	struct net_device *dev; /* of an xdp_buff */
	u32 netns;		/* of an xdp_buff, or of a socket alone; 0: not known */
};

/* The packet's socket, or that which it was on its way to. */
static __always_inline struct sock *xcap_packet_sk(const struct xcap_hit *hit)
{
	struct sock *sk = READ(hit->skb, sk);

	return sk ? sk : xcap_rx_sk(hit);
}

/*
 * A packet that is being sent gets skb->dev late; its route knows the device. The word holds other
 * things for a queued TCP packet, hence the check that the device found is in the socket's
 * namespace. Asked for only where it is wanted; an address for probe reads.
 */
static __always_inline struct net_device *xcap_packet_route(const struct xcap_hit *hit)
{
#if XCAP_HAS_sk_buff___skb_refdst && XCAP_HAS_dst_entry__dev
	struct net_device *dev;
	struct dst_entry *dst;
	struct sock *sk;

	if (hit->socket || hit->xdp)
		return 0;
	sk = xcap_packet_sk(hit);
	if (!sk)
		return 0;
	dst = (void *)(READ(hit->skb, _skb_refdst) & ~7ull); /* SKB_DST_PTRMASK */
	if ((s64)dst >= 0)
		return 0;
	dev = PROBE(dst, dev);
	if ((s64)dev >= 0 || PROBE(dev, nd_net.net) != READ(sk, __sk_common.skc_net.net))
		return 0;
	return dev;
#else
	return 0;
#endif
}

/* include/net/tcp_states.h: TCP_TIME_WAIT, TCP_NEW_SYN_RECV; these sockets are cut short. */
#define XCAP_MINI_SOCKETS (1u << 6 | 1u << 12)

static __always_inline int xcap_is_mini_socket(u32 state)
{
	return 1u << (state & 31) & XCAP_MINI_SOCKETS;
}

/*
 * The route that the socket has sent by: for itself, and for a packet that has no IP header, which
 * gets that one. See synth.h.
 */
static __always_inline struct net_device *xcap_socket_route(const struct xcap_hit *hit)
{
#if XCAP_SYNTH && XCAP_HAS_sock__sk_dst_cache && XCAP_HAS_dst_entry__dev
	struct net_device *dev;
	struct dst_entry *dst;
	struct sock *sk = xcap_rx_sk(hit);

	if (!hit->socket) {
		if (!hit->synth || READ(hit->skb, network_header))
			return 0;
		sk = xcap_packet_sk(hit);
	}
	if (!sk || xcap_is_mini_socket(READ(sk, __sk_common.skc_state)))
		return 0;
	dst = READ(sk, sk_dst_cache);
	if ((s64)dst >= 0)
		return 0;
	dev = PROBE(dst, dev);
	return (s64)dev < 0 ? dev : 0;
#else
	return 0;
#endif
}

static __always_inline struct net_device *xcap_route_dev(const struct xcap_hit *hit)
{
	struct net_device *dev = xcap_packet_route(hit);

	if (dev)
		return dev;
	/* Apart, as in xcap_ifname(). */
	asm volatile("" ::: "memory");
	return xcap_socket_route(hit);
}

/*
 * Below the number of any namespace: PROC_DYNAMIC_FIRST of fs/proc/generic.c, and, from 6.18, the
 * fixed ones of include/uapi/linux/nsfs.h a little below it.
 */
#define XCAP_NETNS_FIRST 0xeffffff0u

/*
 * Of skb->dev; 0: it is no device. While a datagram waits in a UDP receive queue, skb->dev holds
 * other data (udp_set_dev_scratch()): no kernel address then. While a TCP segment waits, the word
 * points into a tree of packets: what lies there is no namespace.
 */
static __always_inline u32 xcap_dev_netns(struct net_device *dev)
{
	u32 netns = 0;

	if ((s64)dev < 0) {
		struct net *net = READ(dev, nd_net.net);

		if ((s64)net < 0)
			netns = READ(net, ns.inum);
	}
	return netns >= XCAP_NETNS_FIRST ? netns : 0;
}

static __always_inline void xcap_net(const struct xcap_hit *hit, struct xcap_net *n)
{
	n->hit = hit;
	n->dev = 0;
	n->netns = 0;
}

/* Of the packet's socket; 0: not known. */
static __always_inline u32 xcap_socket_netns(const struct xcap_hit *hit)
{
	struct sock *sk = xcap_packet_sk(hit);
	struct net *net;

	if (!sk)
		return 0;
	net = READ(sk, __sk_common.skc_net.net);
	return net ? READ(net, ns.inum) : 0;
}

/* The device's namespace, else the socket's. */
static __always_inline u32 xcap_netns(const struct xcap_net *n)
{
	u32 netns;

	if (n->hit->xdp || n->hit->socket)
		return n->netns;
	netns = xcap_dev_netns(READ(n->hit->skb, dev));
	return netns ? netns : xcap_socket_netns(n->hit);
}

/* The packet's own device; 0: none yet, or none any more. */
static __always_inline struct net_device *xcap_dev(const struct xcap_net *n)
{
	struct net_device *dev;

	if (n->hit->xdp)
		return n->dev;
	if (n->hit->socket)
		return 0;
	dev = READ(n->hit->skb, dev);
	return xcap_dev_netns(dev) ? dev : 0;
}

/* include/uapi/linux/if_arp.h */
#define ARPHRD_ETHER	1
#define ARPHRD_LOOPBACK 772

/*
 * The device of the skb is one with Ethernet headers, or there is none. Whether it is one at all is
 * asked last: other data in its place seldom has such a type, and then means no device.
 */
static __always_inline u32 xcap_on_ethernet(const struct xcap_hit *hit)
{
	struct net_device *dev = READ(hit->skb, dev);
	u32 type;

	if ((s64)dev >= 0)
		return 1;
	type = READ(dev, type);
	return type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK || !xcap_dev_netns(dev);
}

static __always_inline u32 xcap_ifindex(const struct xcap_net *n)
{
	struct net_device *dev = xcap_dev(n);

	if (dev)
		return READ(dev, ifindex);
	dev = xcap_route_dev(n->hit);
	return dev ? PROBE(dev, ifindex) : 0;
}

/* IFNAMSIZ bytes; what follows the NUL is not defined. */
static __always_inline void xcap_ifname(const struct xcap_net *n, void *name)
{
	struct net_device *dev = xcap_dev(n);

	if (dev) {
		XCAP_READ_16(name, dev, name);
		/* Apart: clang would join the two pointers by |=, which the verifier refuses. */
		asm volatile("" ::: "memory");
		return;
	}
	dev = xcap_route_dev(n->hit);
	if (dev)
		XCAP_PROBE_16(name, dev, name);
}

#endif
