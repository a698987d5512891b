/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Hooks that have a socket and no packet: its addresses are the event. It is small and of one size,
 * so it is put together on the stack.
 */
#ifndef XCAP_SOCKET_H
#define XCAP_SOCKET_H

#include "capture.h"

#define XCAP_LINK_SOCKET 2 /* beside XCAP_LINK_RAW and XCAP_LINK_ETHERNET */

/* include/linux/socket.h */
#define AF_INET	    2
#define AF_INET6    10
#define IPPROTO_TCP 6

struct xcap_socket_event {
	struct xcap_event event;
#if XCAP_WHO
	struct xcap_who who;
#endif
	struct xcap_socket socket;
};

static __always_inline void xcap_fill_socket(struct xcap_socket *s, struct sock *sk)
{
	s->family = READ(sk, __sk_common.skc_family);
	s->state = READ(sk, __sk_common.skc_state);
	/* Only TCP has them. */
	if (xcap_is_mini_socket(s->state))
		s->protocol = IPPROTO_TCP;
	else
		s->protocol = READ(sk, sk_protocol);
	if (s->family == AF_INET) {
		s->lport = READ(sk, __sk_common.skc_num);
		s->rport = XCAP_BE16((u16)READ(sk, __sk_common.skc_dport));
		*(u32 *)s->laddr = READ(sk, __sk_common.skc_rcv_saddr);
		*(u32 *)s->raddr = READ(sk, __sk_common.skc_daddr);
#if XCAP_HAS_sock____sk_common__skc_v6_daddr
	} else if (s->family == AF_INET6) {
		s->lport = READ(sk, __sk_common.skc_num);
		s->rport = XCAP_BE16((u16)READ(sk, __sk_common.skc_dport));
		xcap_probe_read_kernel(s->laddr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		xcap_probe_read_kernel(s->raddr, 16, &sk->__sk_common.skc_v6_daddr);
#endif
	}
}

#if XCAP_TOP
/* The flow is from the socket's own side; there are no bytes to add up. */
static __always_inline u32 xcap_top_socket(const struct xcap_hit *hit, const struct xcap_net *net)
{
	struct xcap_top_key key __attribute__((aligned(8))) = {};

	xcap_top_identify(&key, hit, net);
#if XCAP_TOP_FLOW
	struct xcap_socket s = {};

	xcap_fill_socket(&s, hit->rx_sk);
	if (s.family == AF_INET || s.family == AF_INET6) {
		key.ethertype = s.family == AF_INET ? ETH_P_IP : ETH_P_IPV6;
		key.protocol = s.protocol;
		__builtin_memcpy(key.source, s.laddr, sizeof(s.laddr));
		__builtin_memcpy(key.destination, s.raddr, sizeof(s.raddr));
		key.source_port = s.lport;
		key.destination_port = s.rport;
	}
#endif
	return xcap_top_count(&key, hit->hook, 0);
}
#endif

/* What is kept has to be as large as what a packet needs: a slot. */
static __always_inline u32 xcap_keep_socket(const struct xcap_hit *hit,
					    const struct xcap_socket_event *event)
{
	u32 place, outcome = XCAP_COUNT_LOST;
	struct xcap_nesting *nesting = xcap_nesting();
	struct xcap_socket_event *slot;

	if (!nesting)
		return XCAP_COUNT_MISSED;
	place = xcap_claim(nesting);
	if (place == XCAP_NO_SLOT)
		return XCAP_COUNT_MISSED;
	slot = (void *)xcap_slot(place);
	if (slot) {
		*slot = *event;
		outcome = xcap_keep(hit, slot);
	}
	xcap_release(nesting, place);
	return outcome;
}

static __always_inline u32 xcap_socket_outcome(const struct xcap_hit *hit)
{
	struct xcap_socket_event out = {};
	struct xcap_event *e = &out.event;
	struct xcap_net net = {};
	struct sock *sk = hit->rx_sk;
	struct net *owner;
	u32 rejected;

	if (!sk)
		return XCAP_COUNT_REJECTED_NO_PACKET;
	rejected = xcap_skip(hit->hook);
	if (rejected)
		return rejected;
	owner = READ(sk, __sk_common.skc_net.net);
	if (owner)
		net.netns = READ(owner, ns.inum);
	rejected = xcap_reject_metadata(hit, &net);
	if (rejected)
		return rejected;
#if XCAP_FILTER || XCAP_INNER || XCAP_WHERE || XCAP_FILTER_C || XCAP_ACTION_C
	/* They ask for what only a packet has. */
	return XCAP_COUNT_REJECTED_NO_PACKET;
#endif
	rejected = xcap_sample_out();
	if (rejected)
		return rejected;
#if XCAP_TOP
	return xcap_top_socket(hit, &net);
#endif
	e->time_ns = xcap_ktime_get_ns();
	e->netns = net.netns;
	e->mark = xcap_mark(hit);
	e->cpu = xcap_get_smp_processor_id();
	e->hook = hit->hook;
	e->context = xcap_context(hit->ctx);
	e->link = XCAP_LINK_SOCKET;
	e->captured_length = sizeof(out.socket);
	xcap_fill_task(e);
#if XCAP_WHO
	e->socket = xcap_fill_who(&out.who, hit);
#endif
	xcap_fill_socket(&out.socket, sk);
	if (hit->until_return)
		return xcap_keep_socket(hit, &out);
	if (xcap_ringbuf_output(MAP(XCAP_MAP_RING), &out, sizeof(out), 0))
		return XCAP_COUNT_LOST;
	return XCAP_COUNT_SUBMITTED;
}

static __always_inline int xcap_capture_socket(const struct xcap_hit *hit)
{
	u32 outcome;

	xcap_keep_cpu();
	outcome = xcap_socket_outcome(hit);
	xcap_count(hit->hook, outcome);
	xcap_yield_cpu();
	return 0;
}

#endif
