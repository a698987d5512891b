// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * An XDP program that drops UDP to the discard port, and lets xcap see what it decides on:
 *
 *   clang -O2 -g -target bpf -I templates -I /usr/include/$(uname -m)-linux-gnu \
 *         -c docs/examples/xdp-hook.bpf.c -o xdp-hook.bpf.o
 *   bpftool prog load xdp-hook.bpf.o /sys/fs/bpf/example type xdp pinmaps /sys/fs/bpf
 *   bpftool net attach xdp pinned /sys/fs/bpf/example dev eth0
 *   xcap --hook xdpmap:/sys/fs/bpf/xcap_hook --actions drop
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "xcap_hook.h"

#define DISCARD 9

XCAP_HOOK_MAP(xcap_hook);

static __attribute__((always_inline)) enum xdp_action judge(const struct xdp_md *ctx)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;
	const struct iphdr *ip = (void *)(eth + 1);
	const struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (eth->h_proto != __builtin_bswap16(ETH_P_IP) || ip->ihl != 5)
		return XDP_PASS;
	if (ip->protocol != IPPROTO_UDP || udp->dest != __builtin_bswap16(DISCARD))
		return XDP_PASS;
	return XDP_DROP;
}

__attribute__((section("xdp"), used)) int example(struct xdp_md *ctx)
{
	return xcap_exit(ctx, &xcap_hook, judge(ctx));
}

char _license[] __attribute__((section("license"), used)) = "Dual MIT/GPL";
