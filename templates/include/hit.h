/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef XCAP_HIT_H
#define XCAP_HIT_H

#include "kernel.gen.h"

/* What a hook knows beside the skb. */
struct xcap_hit {
	const u64 *ctx;
	struct sk_buff *skb;
	struct sock *rx_sk;
	u64 location;
	u32 reason;
	u32 hook;
};

#endif
