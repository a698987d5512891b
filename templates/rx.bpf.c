// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Tracepoint net:netif_receive_skb, BTF-typed or raw: a packet enters the stack from a device. */
#include "capture.h"

int xcap_rx(u64 *ctx)
{
	struct xcap_hit hit = {
		.ctx = ctx,
		.skb = (void *)ctx[XCAP_RX_ARG_SKB],
		.hook = XCAP_HOOK_RX,
		.direction = XCAP_DIRECTION_IN,
	};

	return xcap_capture(&hit);
}
