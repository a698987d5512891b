/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Packets that have no headers yet: on their way from a socket an skb gets them one by one, and
 * some functions only have the socket. What will be in front of the bytes is made up from the
 * socket, and from TCP's control block, and put together with them in an event's slot: filters and
 * copies then look there. docs/synth.md says what is made of what.
 *
 * Whether a header is missing is told by the skb as it is, never by the function's name; hit->synth
 * only says that such packets can come by a hook at all.
 *
 * All of it goes through struct xcap_making of the slot, step by step, and clang has to forget in
 * between what it has put there: see synth-state.h.
 */
#ifndef XCAP_SYNTH_H
#define XCAP_SYNTH_H

#include "helpers.h"
#include "event.h"
#include "packet.h"
#include "slots.h"
#include "synth/headers.h"

#if XCAP_SYNTH

/* include/net/tcp_states.h: both ends know the other's sequence numbers. */
#define XCAP_TCP_SYNCHRONIZED (1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 8 | 1u << 9 | 1u << 11)

static __always_inline u32 xcap_socket_protocol(struct sock *sk)
{
	/* Only TCP has sockets that are cut short. */
	if (xcap_is_mini_socket(PROBE(sk, __sk_common.skc_state)))
		return IPPROTO_TCP;
	return PROBE(sk, sk_protocol);
}

/* The other end of the socket, else the one that this call of sendmsg(2) names. */
static __always_inline void xcap_peer_of(struct sock *sk, struct msghdr *msg,
					 struct xcap_peer *peer)
{
	peer->family = PROBE(sk, __sk_common.skc_family);
	peer->port = PROBE(sk, __sk_common.skc_dport);
	peer->four = PROBE(sk, __sk_common.skc_daddr);
	peer->six[0] = 0;
	peer->six[1] = 0;
#if XCAP_HAS_sock____sk_common__skc_v6_daddr
	if (peer->family == AF_INET6)
		xcap_probe_read_kernel(peer->six, 16, &sk->__sk_common.skc_v6_daddr);
#endif
	if (msg) {
		u8 *name = PROBE(msg, msg_name);
		u16 head[2] = {}; /* family and port, in both structs sockaddr_in */

		if (name && xcap_probe_read_kernel(head, sizeof(head), name) == 0) {
			if (head[0] == AF_INET) {
				peer->family = AF_INET;
				peer->port = head[1];
				xcap_probe_read_kernel(&peer->four, 4, name + 4);
			} else if (head[0] == AF_INET6 && peer->family == AF_INET6) {
				peer->port = head[1];
				xcap_probe_read_kernel(peer->six, 16, name + 8);
			}
		}
	}
	XCAP_FORGET();
	/* ipv6_addr_v4mapped(): what such a socket sends is IPv4. */
	if (peer->family == AF_INET6 && !peer->six[0] &&
	    (u32)peer->six[1] == XCAP_BE32(0x0000ffffu)) {
		peer->family = AF_INET;
		peer->four = peer->six[1] >> 32;
	}
	XCAP_FORGET();
}

static __always_inline u32 xcap_peer_layer(const struct xcap_peer *peer)
{
	if (peer->family == AF_INET)
		return XCAP_SYNTH_IP4;
	return peer->family == AF_INET6 ? XCAP_SYNTH_IP6 : 0;
}

/* What the socket says of the network header; ports are those of the transport header. */
static __always_inline void xcap_fill_network(struct xcap_synth *s, struct sock *sk,
					      const struct xcap_peer *peer)
{
	struct inet_sock *inet = (void *)sk;

	s->saddr = PROBE(sk, __sk_common.skc_rcv_saddr);
	s->daddr = peer->four;
	s->sport = XCAP_BE16((u16)PROBE(sk, __sk_common.skc_num));
	s->dport = peer->port;
	XCAP_FORGET();
	if (xcap_is_mini_socket(PROBE(sk, __sk_common.skc_state)))
		return;
	if (s->layers & XCAP_SYNTH_IP4) {
		/* Bound to a group it receives there, and sends by another address. */
		s->saddr = PROBE(inet, inet_saddr);
		s->tos = PROBE(inet, tos);
#if XCAP_HAS_inet_sock__pinet6 && XCAP_HAS_ipv6_pinfo__tclass
	} else {
		struct ipv6_pinfo *six = PROBE(inet, pinet6);

		s->tos = PROBE(six, tclass);
#endif
	}
}

/* tcp_receive_window(), scaled: what was last advertised. A segment may well widen it. */
static __always_inline u32 xcap_tcp_window(struct tcp_sock *tp, u32 syn)
{
	u32 window = PROBE(tp, rcv_wnd);

	if (!syn) {
		window += PROBE(tp, rcv_wup) - PROBE(tp, rcv_nxt);
		if ((s32)window < 0)
			window = 0;
		window >>= XCAP_BITS_tcp_sock__rx_opt__rcv_wscale(PROBE, tp) & 15;
	}
	return window > 0xffff ? 0xffff : window;
}

/*
 * TCP's numbers, but for what a segment's control block has. Of options it is known how many bytes
 * they take once the ends have agreed (tcp_sock.tcp_header_len): without SACK blocks, and none of
 * those of a SYN. 0: the socket has no numbers.
 */
static __always_inline int xcap_fill_tcp(struct xcap_synth *s, struct sock *sk)
{
	struct tcp_sock *tp = (void *)sk;
	u32 state = PROBE(sk, __sk_common.skc_state), syn = s->flags & TCPHDR_SYN, header;

	s->header = 20;
	if (xcap_is_mini_socket(state) || PROBE(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	if (!(1u << (state & 31) & XCAP_TCP_SYNCHRONIZED) && !s->flags)
		return 0;
	s->ack = PROBE(tp, rcv_nxt);
	XCAP_FORGET();
	s->window = xcap_tcp_window(tp, syn);
	header = PROBE(tp, tcp_header_len);
	if (!syn && header > 20 && header <= 60)
		s->header = header & ~3u;
	return 1;
}

/*
 * Writes the headers, and copies the linear part of an skb behind them. From then on the packet
 * starts in the slot, and its headers lie before skb->data. What it is goes through memory, where
 * the verifier forgets it: it would follow each kind of packet through all that comes.
 */
static __always_inline void xcap_put_together(struct xcap_slot *slot, u32 base, struct sock *sk,
					      const struct xcap_peer *peer, struct xcap_synth *s,
					      const void *bytes, u64 linear, struct xcap_view *v)
{
	volatile struct xcap_walk *walk = &slot->walk;
	volatile struct xcap_found *found = &slot->found;
	u8 *to = slot->data + base;
	u64 at;

	/* By words: clang does not know that it is aligned. */
	for (u32 i = 0; i < XCAP_SYNTH_HEADERS / 8; i++)
		((volatile u64 *)to)[i] = 0;
	walk->end = xcap_put_network(to, s);
#if XCAP_HAS_sock____sk_common__skc_v6_daddr
	if (s->layers & XCAP_SYNTH_IP6) {
		xcap_probe_read_kernel(to + XCAP_SYNTH_SADDR6, 16,
				       &sk->__sk_common.skc_v6_rcv_saddr);
		xcap_probe_read_kernel(to + XCAP_SYNTH_DADDR6, 16, peer->six);
	}
#endif
	at = walk->end;
	XCAP_HIDE(at);
	at &= 63;
	xcap_put_transport(to + at, s);
	walk->end = at + xcap_synth_transport(s);
	at = walk->end;
	if (bytes) {
		u64 length = linear;

		XCAP_HIDE(at);
		at &= XCAP_SYNTH_HEADERS - 1;
		XCAP_HIDE(length);
		if (length > XCAP_SLOT_DATA - XCAP_SYNTH_HEADERS)
			length = XCAP_SLOT_DATA - XCAP_SYNTH_HEADERS;
		XCAP_HIDE(length);
		if (length > XCAP_SLOT_DATA - XCAP_SYNTH_HEADERS)
			length = 0;
		/* Zeros, where it cannot be read. */
		xcap_probe_read_kernel(slot->data + at, length, bytes);
		at += length;
	}
	found->linear = at;
	found->link = s->layers;
	v->before = walk->end;
	v->pkt.wire_len = (u32)walk->end + s->length;
	v->pkt.linear = found->linear;
	v->pkt.start = xcap_plain_address(to);
	v->synth = found->link;
	v->link = XCAP_LINK_ETHERNET;
}

/* Gives back what a packet with headers of ours was put together in. */
static __always_inline void xcap_release_synth(const struct xcap_hit *hit, struct xcap_view *v)
{
	if (hit->synth && v->place >= 0)
		xcap_release_place(v->place);
}

static __always_inline void xcap_fill_bare(struct xcap_making *m, struct sk_buff *skb,
					   struct sock *sk)
{
	struct tcp_skb_cb *cb = (void *)&skb->cb;

	m->bare.ip = xcap_peer_layer(&m->peer);
	m->bare.ip_protocol = xcap_socket_protocol(sk);
	m->bare.protocol = XCAP_BE16((u16)READ(skb, protocol));
	m->bare.transport = READ(skb, transport_header);
	m->bare.data = (u64)READ(skb, data) - (u64)READ(skb, head);
	m->bare.len = READ(skb, len);
	m->bare.seq = PROBE(cb, seq);
	m->bare.end_seq = PROBE(cb, end_seq);
	m->bare.flags = PROBE(cb, tcp_flags);
	XCAP_FORGET();
}

/* Nothing is known yet, but for which headers there are to be. */
static __always_inline u32 xcap_begin_synth(struct xcap_synth *s, u32 layers)
{
	__builtin_memset(s, 0, sizeof(*s));
	s->layers = layers;
	XCAP_FORGET();
	return s->layers;
}

/* 0: the packet is none that lacks headers. */
static __always_inline int xcap_make_headers(const struct xcap_hit *hit, struct xcap_slot *slot,
					     struct xcap_view *v)
{
	struct xcap_making *m = &slot->making;
	struct sock *sk;

	m->sk = (u64)xcap_packet_sk(hit);
	XCAP_FORGET();
	sk = (void *)m->sk;
	if (!sk)
		return 0;
	xcap_peer_of(sk, 0, &m->peer);
	xcap_fill_bare(m, hit->skb, sk);
	if (!xcap_begin_synth(&m->synth, xcap_missing(&m->bare)))
		return 0;
	m->synth.protocol = m->bare.ip_protocol;
	m->synth.length = m->bare.len;
	xcap_fill_network(&m->synth, sk, &m->peer);
	if (m->synth.layers & XCAP_SYNTH_TCP) {
		m->synth.seq = m->bare.seq;
		m->synth.flags = m->bare.flags;
		xcap_fill_tcp(&m->synth, sk);
	}
	XCAP_FORGET();
	xcap_put_together(slot, 0, sk, &m->peer, &m->synth, v->pkt.start, v->pkt.linear, v);
	return 1;
}

/* There may be headers missing. */
static __always_inline u32 xcap_is_bare(const struct xcap_hit *hit, const struct xcap_view *v)
{
	return hit->synth && !hit->xdp && v->bare;
}

/* Of an skb that lacks headers; the rest stay as they are. Not 0: what the event ends in. */
static __always_inline u32 xcap_synthesise(const struct xcap_hit *hit, struct xcap_view *v)
{
	struct xcap_nesting *nesting;
	volatile u64 *kept;
	struct xcap_slot *slot;
	u32 place, made;

	slot = xcap_take_slot(&nesting, &place);
	if (!slot)
		return XCAP_COUNT_MISSED;
	kept = &slot->walk.wanted;
	made = xcap_make_headers(hit, slot, v);
	/* Kept for the event only where the packet lies in it. */
	*kept = made ? place : ~0ull;
	v->place = *kept;
	if (!made)
		xcap_release(nesting, place);
	return 0;
}

/*
 * Bytes that a call is to send. The same functions' counterparts, such as tcp_recvmsg(), are called
 * with the same types: it is the iterator that says which way its bytes go. Before 5.14 a bit of
 * its type does (commit 8cd54c1c8480, "iov_iter: separate direction from flavour").
 */
static __always_inline u32 xcap_message_bytes(struct msghdr *msg)
{
	if (!msg)
		return 0;
#if XCAP_HAS_msghdr__msg_iter__data_source
	if (!PROBE(msg, msg_iter.data_source))
		return 0;
#elif XCAP_HAS_msghdr__msg_iter__type
	if (!(PROBE(msg, msg_iter.type) & 1))
		return 0;
#endif
	return PROBE(msg, msg_iter.count);
}

/* Of a socket alone, as it would send: nothing where it is not one of IP. */
static __always_inline void xcap_synthesise_socket(const struct xcap_hit *hit,
						   struct xcap_slot *slot, struct xcap_view *v)
{
	struct sock *sk = xcap_rx_sk(hit);
	struct xcap_making *m = &slot->making;
	u32 protocol = xcap_socket_protocol(sk);
	u32 tcp = protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;

	/* Only TCP Fast Open looks at a name there. */
	xcap_peer_of(sk, tcp ? 0 : hit->msg, &m->peer);
	if (!xcap_begin_synth(&m->synth, xcap_peer_layer(&m->peer)))
		return;
	xcap_fill_network(&m->synth, sk, &m->peer);
	m->synth.length = xcap_message_bytes(hit->msg);
	if (tcp) {
		m->synth.protocol = IPPROTO_TCP;
		m->synth.layers |= XCAP_SYNTH_TCP;
		if (xcap_fill_tcp(&m->synth, sk)) {
			m->synth.seq = PROBE((struct tcp_sock *)sk, write_seq);
			m->synth.flags = TCPHDR_ACK;
		}
	} else {
		m->synth.protocol = protocol;
		if (protocol == IPPROTO_UDP)
			m->synth.layers |= XCAP_SYNTH_UDP;
	}
	XCAP_FORGET();
	xcap_put_together(slot, sizeof(struct xcap_socket), sk, &m->peer, &m->synth, 0, 0, v);
}

#else

static __always_inline u32 xcap_is_bare(const struct xcap_hit *hit, const struct xcap_view *v)
{
	return 0;
}

static __always_inline u32 xcap_synthesise(const struct xcap_hit *hit, struct xcap_view *v)
{
	return 0;
}

static __always_inline void xcap_release_synth(const struct xcap_hit *hit, struct xcap_view *v)
{
}

#endif
#endif
