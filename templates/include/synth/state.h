/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is known of headers that are not there yet. It lies in an event's slot, where the verifier
 * knows none of it: from registers and its own stack it would follow each kind of packet through
 * all that comes.
 */
#ifndef XCAP_SYNTH_STATE_H
#define XCAP_SYNTH_STATE_H

/* What is known of an skb that has neither a MAC nor a network header, and of its socket. */
struct xcap_bare {
	u32 protocol;  /* skb->protocol, host order */
	u32 transport; /* offsets from skb->head */
	u32 data;
	u32 len;
	u32 ip;		  /* XCAP_SYNTH_IP4 or XCAP_SYNTH_IP6, as the socket is; 0: neither */
	u32 ip_protocol;  /* the socket's */
	u32 seq, end_seq; /* of struct tcp_skb_cb, if the control block is one */
	u32 flags;
};

/* What the headers say. Addresses and ports are in network order, all else in host order. */
struct xcap_synth {
	u32 layers; /* XCAP_SYNTH_* */
	u32 protocol;
	u32 tos;
	u32 saddr, daddr; /* IPv4's; those of IPv6 are put at XCAP_SYNTH_SADDR6 */
	u16 sport, dport;
	u32 seq, ack, flags, window;
	u32 header; /* bytes of the TCP header: options, of which nothing is known, are zeros */
	u32 length; /* bytes behind the headers */
};

/* Where a packet goes, of either family. */
struct xcap_peer {
	u64 six[2];
	u32 four;
	u16 port;
	u16 family;
};

struct xcap_making {
	struct xcap_peer peer;
	struct xcap_synth synth;
	struct xcap_bare bare;
	u64 sk; /* struct sock */
};

#endif
