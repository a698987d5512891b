// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tracepoint skb:kfree_skb, BTF-typed or raw: a packet is dropped. The reason is there from 5.17,
 * the receiving socket from 6.11; their places come from the running kernel's BTF.
 */
#include "capture.h"

int xcap_drop(u64 *ctx)
{
	struct xcap_hit hit = {
		.ctx = ctx,
		.skb = (void *)ctx[XCAP_DROP_ARG_SKB],
		.location = ctx[XCAP_DROP_ARG_LOCATION],
		.hook = XCAP_HOOK_DROP,
	};

#ifdef XCAP_DROP_ARG_REASON
	hit.reason = ctx[XCAP_DROP_ARG_REASON];
#endif
#ifdef XCAP_DROP_ARG_RX_SK
	hit.rx_sk = (void *)ctx[XCAP_DROP_ARG_RX_SK];
#endif
	return xcap_capture(&hit);
}
