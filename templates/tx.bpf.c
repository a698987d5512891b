// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Tracepoint net:net_dev_start_xmit, BTF-typed or raw: a packet is handed to a device. */
#include "capture.h"

int xcap_tx(u64 *ctx)
{
	struct xcap_hit hit = {
		.ctx = ctx,
		.skb = (void *)ctx[XCAP_TX_ARG_SKB],
		.hook = XCAP_HOOK_TX,
		.direction = XCAP_DIRECTION_OUT,
	};

	return xcap_capture(&hit);
}
