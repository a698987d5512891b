/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the C text of a compiled --where relies on: see src/where/emit-c.ts. Each term is a function
 * that gives 0 as soon as something that it reads is not there.
 */
#ifndef XCAP_WHERE_H
#define XCAP_WHERE_H

#include "helpers.h"
#include "context.h"
#include "packet.h"
#include "hit.h"

/* Addresses of the kernel have the highest bit set; some pointers hold other things for a while. */
#ifndef XCAP_WHERE_KERNEL
#define XCAP_WHERE_KERNEL(p) ((s64)(p) < 0)
#endif

/*
 * The pointer leads somewhere, else the term is false. Two checks: the verifier knows a pointer as
 * not null by a compare with zero only, into which clang must not merge the other one.
 */
#define XCAP_WHERE_THERE(p)                                                                        \
	do {                                                                                       \
		if (!(p))                                                                          \
			return 0;                                                                  \
		XCAP_HIDE(p);                                                                      \
		if (!XCAP_WHERE_KERNEL(p))                                                         \
			return 0;                                                                  \
	} while (0)

/* include/net/tcp_states.h: struct sock is cut short in these states (sk_fullsock()). */
#define XCAP_TCP_TIME_WAIT    6
#define XCAP_TCP_NEW_SYN_RECV 12

#define XCAP_WHERE_FULL_SOCK(read, p)                                                              \
	do {                                                                                       \
		u8 xcap_state = read(p, __sk_common.skc_state);                                    \
                                                                                                   \
		if (xcap_state == XCAP_TCP_TIME_WAIT || xcap_state == XCAP_TCP_NEW_SYN_RECV)       \
			return 0;                                                                  \
	} while (0)

/* The device that the outputs name; for probe reads only. */
static __always_inline struct net_device *xcap_where_dev(const struct xcap_net *net)
{
	struct net_device *dev = xcap_dev(net);

	return dev ? dev : xcap_route_dev(net->hit);
}

/* Length on the wire as in the outputs: with the VLAN tag that the kernel keeps beside the packet.
 */
static __always_inline u32 xcap_where_length(const struct xcap_hit *hit,
					     const struct xcap_view *view)
{
	if (view->link == XCAP_LINK_ETHERNET && xcap_vlan_present(hit))
		return view->pkt.wire_len + 4;
	return view->pkt.wire_len;
}

/*
 * As in the outputs: where the stack tells the context, ksoftirqd looks like any task, and what it
 * does is softirq.
 */
static __always_inline u32 xcap_where_context(const struct xcap_hit *hit)
{
	u32 context = xcap_context(hit->ctx);

#if XCAP_TASK_STACK_OFFSET && !XCAP_PREEMPT_COUNT_ID
	u64 comm[2];

	if (context == XCAP_CONTEXT_PROCESS) {
		xcap_get_current_comm(comm, sizeof(comm));
		/* "ksoftirq" "d/" */
		if (comm[0] == 0x71726974666f736bull && (comm[1] & 0xffff) == 0x2f64)
			return XCAP_CONTEXT_SOFTIRQ;
	}
#endif
	return context;
}

#endif
