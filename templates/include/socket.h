/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Hooks that have a socket and no packet: the event is its addresses, and behind them the packet
 * that it would send, of which the headers are all that there is (synth.h). Sockets of other
 * families have none.
 */
#ifndef XCAP_SOCKET_H
#define XCAP_SOCKET_H

#include "capture.h"

#if XCAP_SYNTH

#define XCAP_LINK_SOCKET 2 /* beside XCAP_LINK_RAW and XCAP_LINK_ETHERNET */

static __always_inline void xcap_fill_socket(struct xcap_socket *s, struct sock *sk)
{
	s->family = READ(sk, __sk_common.skc_family);
	s->state = READ(sk, __sk_common.skc_state);
	s->protocol = xcap_socket_protocol(sk);
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

	xcap_fill_socket(&s, xcap_rx_sk(hit));
	if (s.family == AF_INET || s.family == AF_INET6) {
		key.ethertype = s.family == AF_INET ? ETH_P_IP : ETH_P_IPV6;
		key.protocol = s.protocol;
		__builtin_memcpy(key.source, s.laddr, sizeof(s.laddr));
		__builtin_memcpy(key.destination, s.raddr, sizeof(s.raddr));
		key.source_port = s.lport;
		key.destination_port = s.rport;
	}
#endif
	return xcap_top_count(&key, xcap_hook(hit), 0);
}
#else
/* Sends what is in the slot, as the rest of the event says. */
static __always_inline u32 xcap_send_socket(const struct xcap_hit *hit, const struct xcap_net *net,
					    struct xcap_slot *slot, const struct xcap_view *view)
{
	struct xcap_socket *socket = (void *)slot->data;
	struct xcap_event *e = &slot->event;
	u64 length = view->pkt.linear;

	__builtin_memset(e, 0, sizeof(*e));
	__builtin_memset(socket, 0, sizeof(*socket));
	e->time_ns = xcap_ktime_get_ns();
	e->mark = xcap_mark(hit);
	e->cpu = xcap_get_smp_processor_id();
	e->hook = xcap_hook(hit);
	e->context = xcap_context(hit->ctx);
	e->link = XCAP_LINK_SOCKET;
	e->synth = view->synth;
	e->wire_length = view->pkt.wire_len;
	e->stack = xcap_stack(hit);
	xcap_fill_task(e);
	xcap_fill_net(e, net);
#if XCAP_WHO
	e->socket = xcap_fill_who(&slot->who, hit);
#endif
	xcap_fill_socket(socket, xcap_rx_sk(hit));
	if (length > XCAP_CAPTURE_MAX)
		length = XCAP_CAPTURE_MAX;
	length += sizeof(*socket);
#if XCAP_RETURNS
	if (hit->until_return && length > XCAP_PENDING_MAX)
		length = XCAP_PENDING_MAX;
#endif
	e->captured_length = length;
	if (hit->until_return)
		return xcap_keep(hit, slot);
	XCAP_HIDE(length);
	length &= 255; /* XCAP_SYNTH_HEADERS and struct xcap_socket */
	if (xcap_ringbuf_output(MAP(XCAP_MAP_RING), slot, XCAP_DATA_AT + length, 0))
		return XCAP_COUNT_LOST;
	return XCAP_COUNT_SUBMITTED;
}
#endif

/* The packet that the socket would send is what the filters ask. */
static __always_inline u32 xcap_socket_in_slot(const struct xcap_hit *hit,
					       const struct xcap_net *net, struct xcap_slot *slot)
{
	struct xcap_view view = {.link = XCAP_LINK_RAW, .pkt = {.hit = hit, .net = net}};
	u32 rejected;

	xcap_synthesise_socket(hit, slot, &view);
#if XCAP_FILTER || XCAP_INNER
	if (!view.synth)
		return XCAP_COUNT_REJECTED_NO_PACKET;
	rejected = xcap_reject_packet(&view);
	if (rejected)
		return rejected;
	rejected = xcap_reject_inner(&view);
	if (rejected)
		return rejected;
#endif
	rejected = xcap_sample_out();
	if (rejected)
		return rejected;
#if XCAP_TOP
	return xcap_top_socket(hit, net);
#else
	return xcap_send_socket(hit, net, slot, &view);
#endif
}

static __always_inline u32 xcap_socket_outcome(const struct xcap_hit *hit)
{
	struct xcap_nesting *nesting;
	struct xcap_net net = {.hit = hit};
	struct xcap_slot *slot;
	struct sock *sk = xcap_rx_sk(hit);
	struct net *owner;
	u32 outcome, place;

	if (!sk)
		return XCAP_COUNT_REJECTED_NO_PACKET;
	outcome = xcap_skip(hit);
	if (outcome)
		return outcome;
	owner = READ(sk, __sk_common.skc_net.net);
	if (owner)
		net.netns = READ(owner, ns.inum);
	outcome = xcap_reject_metadata(hit, &net);
	if (outcome)
		return outcome;
#if XCAP_WHERE || XCAP_FILTER_C || XCAP_ACTION_C
	/* They ask for what only an skb has. */
	return XCAP_COUNT_REJECTED_NO_PACKET;
#endif
	slot = xcap_take_slot(&nesting, &place);
	if (!slot)
		return XCAP_COUNT_MISSED;
	outcome = xcap_socket_in_slot(hit, &net, slot);
	xcap_release(nesting, place);
	return outcome;
}

static __always_inline int xcap_capture_socket(const struct xcap_hit *hit)
{
	u32 outcome;

	xcap_keep_cpu();
	outcome = xcap_socket_outcome(hit);
	xcap_count(xcap_hook(hit), outcome);
	xcap_yield_cpu();
	return 0;
}

#endif
#endif
