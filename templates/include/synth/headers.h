/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Headers that are not there yet: which of them a packet lacks, and how they are written. Nothing
 * here reads the kernel's memory: synth.h does, and a test compiles this by itself.
 */
#ifndef XCAP_SYNTH_HEADERS_H
#define XCAP_SYNTH_HEADERS_H

#include "synth/state.h"
#include "filter/filter.h"
#include "filter/tunnel.h"
#include "events.gen.h"

#define XCAP_HEADER_UNSET 0xffff /* skb_mac_header_was_set(), skb_transport_header_was_set() */

/* include/linux/socket.h, include/uapi/linux/in.h, include/net/tcp.h */
#define AF_INET	      2
#define AF_INET6      10
#define IPPROTO_TCP   6
#define IPPROTO_MPTCP 262
#define TCPHDR_FIN    0x01
#define TCPHDR_SYN    0x02
#define TCPHDR_ACK    0x10
#define TCPHDR_MASK   0x1ff

/*
 * TCP_SKB_CB() of a segment: as many sequence numbers as bytes, and one for SYN or FIN. A notice of
 * MSG_ZEROCOPY has the same socket and neither header, too; its control block holds other things.
 */
static __always_inline u32 xcap_is_segment(const struct xcap_bare *skb)
{
	u32 numbers = skb->end_seq - skb->seq;

	if (skb->flags & (TCPHDR_SYN | TCPHDR_FIN))
		numbers -= 1;
	return skb->flags && numbers == skb->len;
}

/*
 * The headers, XCAP_SYNTH_*, that such a packet is to get in front of skb->data; 0: none, it is
 * nothing that the socket sends. A transport header that was set where the data start is there,
 * and only it (ip_queue_xmit()). Where none was set the data are payload: TCP's only, for whoever
 * sends UDP sets both offsets before there are data (__ip_append_data()).
 */
static __always_inline u32 xcap_missing(const struct xcap_bare *skb)
{
	if (!skb->ip)
		return 0;
	if (skb->protocol && skb->protocol != (skb->ip == XCAP_SYNTH_IP4 ? ETH_P_IP : ETH_P_IPV6))
		return 0;
	if (skb->transport == skb->data)
		return skb->ip;
	if (skb->transport == XCAP_HEADER_UNSET && skb->ip_protocol == IPPROTO_TCP &&
	    xcap_is_segment(skb))
		return skb->ip | XCAP_SYNTH_TCP;
	return 0;
}

#define XCAP_SYNTH_ETHER   14
#define XCAP_SYNTH_HEADERS 128 /* more than all of them: what is zeroed before they are written */

#define XCAP_SYNTH_SADDR6 (XCAP_SYNTH_ETHER + 8)
#define XCAP_SYNTH_DADDR6 (XCAP_SYNTH_ETHER + 24)

static __always_inline u32 xcap_synth_transport(const struct xcap_synth *s)
{
	if (s->layers & XCAP_SYNTH_TCP)
		return s->header;
	return s->layers & XCAP_SYNTH_UDP ? 8 : 0;
}

/* Of what does not fit its field the kernel says 0 (iph_set_totlen(), RFC 2675). */
static __always_inline u16 xcap_synth_length(u32 length)
{
	return length > 0xffff ? 0 : XCAP_BE16((u16)length);
}

static __always_inline void xcap_put16(u8 *to, u16 value)
{
	*(xcap_field16 *)to = value;
}

static __always_inline void xcap_put32(u8 *to, u32 value)
{
	*(xcap_field32 *)to = value;
}

/*
 * Ethernet and IP into memory that holds zeros; returns how long they are. What is zero there is
 * not known, or not decided yet: MAC addresses, identification, fragment bits, TTL, flow label,
 * checksum.
 */
static __always_inline u32 xcap_put_network(u8 *to, const struct xcap_synth *s)
{
	u32 behind = xcap_synth_transport(s) + s->length;

	if (s->layers & XCAP_SYNTH_IP4) {
		xcap_put16(to + 12, XCAP_BE16(ETH_P_IP));
		to[XCAP_SYNTH_ETHER] = 0x45;
		to[XCAP_SYNTH_ETHER + 1] = s->tos;
		xcap_put16(to + XCAP_SYNTH_ETHER + 2, xcap_synth_length(20 + behind));
		to[XCAP_SYNTH_ETHER + 9] = s->protocol;
		xcap_put32(to + XCAP_SYNTH_ETHER + 12, s->saddr);
		xcap_put32(to + XCAP_SYNTH_ETHER + 16, s->daddr);
		return XCAP_SYNTH_ETHER + 20;
	}
	xcap_put16(to + 12, XCAP_BE16(ETH_P_IPV6));
	to[XCAP_SYNTH_ETHER] = 0x60 | (s->tos >> 4 & 0xf);
	to[XCAP_SYNTH_ETHER + 1] = s->tos << 4;
	xcap_put16(to + XCAP_SYNTH_ETHER + 4, xcap_synth_length(behind));
	to[XCAP_SYNTH_ETHER + 6] = s->protocol;
	return XCAP_SYNTH_ETHER + 40;
}

/* The header behind those, but for its checksum. */
static __always_inline void xcap_put_transport(u8 *to, const struct xcap_synth *s)
{
	if (s->layers & XCAP_SYNTH_TCP) {
		xcap_put16(to, s->sport);
		xcap_put16(to + 2, s->dport);
		xcap_put32(to + 4, XCAP_BE32(s->seq));
		xcap_put32(to + 8, XCAP_BE32(s->ack));
		xcap_put16(to + 12, XCAP_BE16((u16)(s->header << 10 | (s->flags & TCPHDR_MASK))));
		xcap_put16(to + 14, XCAP_BE16((u16)s->window));
	} else if (s->layers & XCAP_SYNTH_UDP) {
		xcap_put16(to, s->sport);
		xcap_put16(to + 2, s->dport);
		xcap_put16(to + 4, xcap_synth_length(8 + s->length));
	}
}

#endif
