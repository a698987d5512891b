/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * xcap top: what matched is counted where it is, in a map from what is asked for to sums, and no
 * event leaves the kernel. Sums are per CPU, so that no two CPUs share a cache line in a storm of
 * drops; and added to atomically, for another event may come between load and store.
 *
 * Nothing is ever evicted. A key that has no room is counted in a row that is there from the start.
 */
#ifndef XCAP_TOP_H
#define XCAP_TOP_H

#include "helpers.h"
#include "context.h"
#include "hit.h"
#include "packet.h"
#include "task.h"
#include "events.gen.h"
#include "top.gen.h"

#if XCAP_TOP

/* include/uapi/linux/bpf.h, include/uapi/asm-generic/errno-base.h */
#define BPF_NOEXIST 1
#define E2BIG	    7
#define EEXIST	    17

/*
 * A full map stays full: after the first key without room no other is tried, as each try would take
 * the locks of every CPU's list of free elements. The count of those tells, on each CPU by itself.
 */
static __always_inline int xcap_top_is_full(u32 hook)
{
	struct xcap_counts *counts = xcap_map_lookup_elem(MAP(XCAP_MAP_COUNTS), &hook);

	return !counts || counts->count[XCAP_COUNT_LOST];
}

/* As of an event that is sent: submitted when a row has it, lost when there was no room for one. */
static __always_inline u32 xcap_top_count(struct xcap_top_key *key, u32 hook, u64 bytes)
{
	struct xcap_top_sums *sums = xcap_map_lookup_elem(MAP(XCAP_MAP_TOP), key);
	u32 outcome = XCAP_COUNT_SUBMITTED;

	if (!sums && !xcap_top_is_full(hook)) {
		struct xcap_top_sums zero = {};
		/* An int to kernels before 6.4, the upper half of which is not its sign (commit
		 * d7ba4cc900bf, "bpf: return long from bpf_map_ops funcs"). */
		s32 error = xcap_map_update_elem(MAP(XCAP_MAP_TOP), key, &zero, BPF_NOEXIST);

		/* The map is in use on this CPU, further down its stack. */
		if (error && error != -EEXIST && error != -E2BIG)
			return XCAP_COUNT_MISSED;
		sums = xcap_map_lookup_elem(MAP(XCAP_MAP_TOP), key);
	}
	if (!sums) {
		__builtin_memset(key, 0, sizeof(*key));
		key->other = 1;
		outcome = XCAP_COUNT_LOST;
		sums = xcap_map_lookup_elem(MAP(XCAP_MAP_TOP), key);
	}
	if (sums) {
		/* To add 0 clang takes an atomic or, which came with 5.12. */
		XCAP_HIDE(bytes);
		__sync_fetch_and_add(&sums->packets, 1);
		__sync_fetch_and_add(&sums->bytes, bytes);
	}
	return outcome;
}

#if XCAP_TOP_IFACE
/* Nothing but zeros behind the NUL: one name, one row. */
static __always_inline void xcap_top_ifname(const struct xcap_net *n, u8 *name)
{
	struct net_device *dev = xcap_dev(n);

	if (dev) {
		xcap_probe_read_kernel_str(name, 16, &dev->name);
		/* Apart, as in xcap_ifname(). */
		asm volatile("" ::: "memory");
		return;
	}
	dev = xcap_route_dev(n->hit);
	if (dev)
		xcap_probe_read_kernel_str(name, 16, &dev->name);
}
#endif

/* What does not take the packet. */
static __always_inline void xcap_top_identify(struct xcap_top_key *key, const struct xcap_hit *hit,
					      const struct xcap_net *net)
{
#if XCAP_TOP_HOOK
	key->hook = xcap_hook(hit);
#endif
#if XCAP_TOP_REASON
	key->reason = xcap_hit_reason(hit);
#endif
#if XCAP_TOP_LOCATION
	key->location = xcap_hit_location(hit);
#endif
#if XCAP_TOP_NETNS || XCAP_TOP_IFACE
	key->netns = xcap_netns(net);
#endif
#if XCAP_TOP_IFACE
	key->ifindex = xcap_ifindex(net);
	xcap_top_ifname(net, key->ifname);
#endif
#if XCAP_TOP_COMM
	key->context = xcap_context(hit->ctx);
#if XCAP_TASK_BY_PROBE
	xcap_probe_read_kernel_str(key->comm, sizeof(key->comm), &xcap_task()->comm);
#else
	xcap_get_current_comm(key->comm, sizeof(key->comm));
#endif
#endif
}

#if XCAP_TOP_FLOW

/* include/uapi/linux/if_ether.h: below are lengths, of IEEE 802.3, and numbers of Linux's own. */
#define ETH_P_802_3_MIN 0x0600
#define ETH_P_802_2	0x0004

#define IPPROTO_TCP	6
#define IPPROTO_DCCP	33
#define IPPROTO_AH	51
#define IPPROTO_SCTP	132
#define IPPROTO_UDPLITE 136

#define XCAP_TOP_VLAN_TAGS    2
#define XCAP_TOP_IPV6_HEADERS 4
#define XCAP_IPV4_FRAGMENT    0x3fff /* more to come, or not the first */
#define XCAP_IPV6_FRAGMENT    0xfff9

/* -1: where the ports would be is not known. */
static __always_inline int xcap_top_ipv4(struct xcap_top_key *key, struct xcap_pkt *p, u32 *at)
{
	u32 header[5] = {};
	u32 first, length;

	if ((u64)*at + sizeof(header) > p->linear ||
	    xcap_probe_read_kernel(header, sizeof(header), p->start + *at))
		return -1;
	first = XCAP_BE32(header[0]);
	length = (first >> 24 & 0xf) * 4;
	if (first >> 28 != 4 || length < sizeof(header))
		return -1;
	key->protocol = XCAP_BE32(header[2]) >> 16;
	*(xcap_field32 *)key->source = header[3];
	*(xcap_field32 *)key->destination = header[4];
	*at += length;
	/* Only one of a packet's fragments has ports: all of them go without. */
	return XCAP_BE32(header[1]) & XCAP_IPV4_FRAGMENT ? -1 : 0;
}

static __always_inline int xcap_top_ipv6(struct xcap_top_key *key, struct xcap_pkt *p, u32 *at)
{
	u32 protocol = 0, next = 0, value = 0;

	_Static_assert(__builtin_offsetof(struct xcap_top_key, destination) ==
			       __builtin_offsetof(struct xcap_top_key, source) + 16,
		       "addresses");
	if (xcap_load8(p, *at + 6, &protocol) || (u64)*at + 40 > p->linear ||
	    xcap_probe_read_kernel(key->source, 32, p->start + *at + 8))
		return -1;
	*at += 40;
	key->protocol = protocol;
#pragma unroll
	for (int i = 0; i < XCAP_TOP_IPV6_HEADERS; i++) {
		if (protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
		    protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_AH) {
			if (xcap_load8(p, *at, &next) || xcap_load8(p, *at + 1, &value))
				return -1;
			*at += protocol == IPPROTO_AH ? (value + 2) * 4 : (value + 1) * 8;
			protocol = next;
			key->protocol = protocol;
		} else if (protocol == IPPROTO_FRAGMENT) {
			if (xcap_load8(p, *at, &next) || xcap_load16(p, *at + 2, &value))
				return -1;
			*at += 8;
			protocol = next;
			key->protocol = protocol;
			if (value & XCAP_IPV6_FRAGMENT)
				return -1;
		}
	}
	return 0;
}

/* What the packet says of itself as far as it can be read: the rest stays 0. */
static __always_inline void xcap_top_flow(struct xcap_top_key *key, struct xcap_view *view)
{
	struct xcap_pkt *p = &view->pkt;
	u32 at = 0, type = 0, value = 0;
	int failed;

	if (view->link == XCAP_LINK_ETHERNET) {
		if (xcap_load16(p, 12, &type))
			return;
		at = 14;
#pragma unroll
		for (int i = 0; i < XCAP_TOP_VLAN_TAGS; i++) {
			if (type == ETH_P_8021Q || type == ETH_P_8021AD) {
				if (xcap_load16(p, at + 2, &type))
					return;
				at += 4;
			}
		}
		if (type < ETH_P_802_3_MIN)
			type = ETH_P_802_2;
	} else {
		if (xcap_load8(p, 0, &value))
			return;
		type = value >> 4 == 4 ? ETH_P_IP : value >> 4 == 6 ? ETH_P_IPV6 : 0;
	}
	key->ethertype = type;
	if (type == ETH_P_IP)
		failed = xcap_top_ipv4(key, p, &at);
	else if (type == ETH_P_IPV6)
		failed = xcap_top_ipv6(key, p, &at);
	else
		return;
	if (failed)
		return;
	switch (key->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		if (xcap_load32(p, at, &value))
			return;
		key->source_port = value >> 16;
		key->destination_port = value;
	}
}
#endif

/* In the place of sending the event; its length is what it would have been there. */
static __always_inline u32 xcap_send(const struct xcap_hit *hit, const struct xcap_net *net,
				     struct xcap_view *view)
{
	struct xcap_top_key key __attribute__((aligned(8))) = {};
	u64 bytes = view->pkt.wire_len;

	if (xcap_tagged(hit, view))
		bytes += 4;
	xcap_top_identify(&key, hit, net);
#if XCAP_TOP_FLOW
	xcap_top_flow(&key, view);
#endif
	return xcap_top_count(&key, xcap_hook(hit), bytes);
}

#endif
#endif
