/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef XCAP_HIT_H
#define XCAP_HIT_H

#include "helpers.h"
#include "arguments.h"
#include "kernel.gen.h"

#define XCAP_DIRECTION_ANY 0
#define XCAP_DIRECTION_IN  1
#define XCAP_DIRECTION_OUT 2

/* What a hook knows beside the skb. */
struct xcap_hit {
	const u64 *ctx;
	struct sk_buff *skb;
	struct sk_buff *given;	     /* the same as an argument: see XCAP_GIVEN, XCAP_SKB */
	struct xdp_buff *xdp;	     /* else the packet is this, which no skb was made for yet */
	struct xdp_desc *descriptor; /* xdp is the pool of a zero-copy socket, that sends this */
	struct sock *rx_sk;	     /* see xcap_rx_sk() */
	struct sock *owner;	     /* the socket that an xdp_buff is for */
	u64 ret;		     /* what was returned, where `returned` says so */
	u64 packet_id; /* the same at each hook that one packet came by; 0: not told */
	/* What is seldom asked for stays in the arguments until it is: 1 + its word there; 0: none.
	 */
	u32 location_at;
	u32 reason_at;
	u32 rx_sk_at;
	u32 hook;      /* see xcap_hook() */
	u32 by_cookie; /* the program serves many hooks */
	u32 returned;
	u32 direction;	    /* XCAP_DIRECTION_* of every packet of the hook */
	u32 socket;	    /* no skb: rx_sk is what the event is of */
	u32 until_return;   /* the event waits for the return of this activation: returns.h */
	u64 frame;	    /* what the activation is known by */
	u32 at_data;	    /* the packet starts at skb->data, whatever the header offsets say */
	u32 synth;	    /* packets without headers come by here: synth.h */
	struct msghdr *msg; /* what a socket is to send, or to receive */
	u32 ends;	    /* the packet is being freed */
	u32 follows;	    /* only packets that are followed already: track.h */
	u32 is_given;	    /* the skb is an argument itself */
	u32 program;	    /* the id of what ran, where --rule asks and the hook knows */
};

/* The number of the hook. */
static __always_inline u32 xcap_hook(const struct xcap_hit *hit)
{
	return hit->by_cookie ? hit->hook : XCAP_OWN_HOOK;
}

/*
 * An argument as a number. From a context that is clang's for this place only: it would add the
 * word's place to it once for several, and the verifier takes no loads from a sum.
 */
static __always_inline u64 xcap_argument(const struct xcap_hit *hit, u32 word)
{
#if XCAP_ARGUMENTS_BY_HELPER
	return xcap_func_arg(hit->ctx, word);
#else
	const volatile u64 *ctx = hit->ctx;

	XCAP_HIDE(ctx);
	return ctx[word];
#endif
}

/* Where the kernel let go of the packet; 0: the hook does not say. */
static __always_inline u64 xcap_hit_location(const struct xcap_hit *hit)
{
	return hit->location_at ? xcap_argument(hit, hit->location_at - 1) : 0;
}

static __always_inline u32 xcap_hit_reason(const struct xcap_hit *hit)
{
	return hit->reason_at ? xcap_argument(hit, hit->reason_at - 1) : 0;
}

/* The socket that the packet was on its way to, or that the event is of. */
static __always_inline struct sock *xcap_rx_sk(const struct xcap_hit *hit)
{
	if (hit->rx_sk_at)
		return XCAP_GIVEN((struct sock *)xcap_argument(hit, hit->rx_sk_at - 1));
	return hit->rx_sk;
}

/*
 * A member of the packet's skb that is no pointer to a struct (for those see XCAP_GIVEN). From 6.2
 * on the verifier trusts the arguments of a BTF-typed tracepoint (commit 3f00c5239344): the load is
 * one instruction, where others look first, in six more, whether the address is the kernel's.
 */
#if XCAP_TYPED
#define XCAP_SKB(hit, member) ((hit)->is_given ? (hit)->given->member : READ((hit)->skb, member))
#else
#define XCAP_SKB(hit, member) READ((hit)->skb, member)
#endif

#endif
