/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where a packet goes that an XDP program redirects. It is told to the event in its slot, not to
 * the hit before: the verifier would go through all that follows once for each way that this takes.
 */
#ifndef XCAP_REDIRECT_H
#define XCAP_REDIRECT_H

#include "packet.h"
#include "events.gen.h"

#if XCAP_XDP_RUNS && (XCAP_REDIRECT_BY_TASK || XCAP_REDIRECT_BY_CPU)
/*
 * What bpf_redirect() and bpf_redirect_map() left for xdp_do_redirect(), which comes next: on this
 * CPU, from 6.11 on in the task (commit 401cb7dae813).
 */
static __always_inline struct bpf_redirect_info *xcap_redirect_info(void)
{
	u64 base = 0;
#if XCAP_REDIRECT_BY_TASK
	xcap_probe_read_kernel(&base, sizeof(base),
			       (void *)(xcap_get_current_task() + XCAP_NET_CONTEXT_OFFSET));
	return base ? (void *)(base + XCAP_REDIRECT_INFO_OFFSET) : 0;
#else
	u64 cpu = xcap_get_smp_processor_id();

	xcap_probe_read_kernel(&base, sizeof(base), (void *)(XCAP_PER_CPU_OFFSETS + 8 * cpu));
	return base ? (void *)(base + XCAP_REDIRECT_INFO) : 0;
#endif
}

#define XCAP_REDIRECT_INITIALISED 2 /* BPF_RI_F_RI_INIT */

#define XCAP_XDP_REDIRECT    4
#define XCAP_MAP_DEVMAP	     14 /* enum bpf_map_type */
#define XCAP_MAP_DEVMAP_HASH 25

static __always_inline void xcap_fill_redirect(struct xcap_event *e, const struct xcap_hit *hit)
{
	struct bpf_redirect_info *info;
	u32 map = 0, type = 0;

	if (!hit->xdp || !hit->returned || (u32)hit->ret != XCAP_XDP_REDIRECT)
		return;
	info = xcap_redirect_info();
	if (!info)
		return;
#if XCAP_REDIRECT_BY_TASK
	if (!(PROBE(info, kern_flags) & XCAP_REDIRECT_INITIALISED))
		return;
#endif
#if XCAP_HAS_bpf_redirect_info__map_id
	map = PROBE(info, map_id);
	type = PROBE(info, map_type);
	if (map == 0x7fffffff) /* bpf_redirect(): INT_MAX, no map */
		map = 0;
	else if (!map)
		return;
#elif XCAP_HAS_bpf_redirect_info__map
	struct bpf_map *of = PROBE(info, map);

	if (of) {
		map = PROBE(of, id);
		type = PROBE(of, map_type);
	}
#endif
	e->redirect_map = map;
	e->redirect_index = PROBE(info, tgt_index);
	/* The entry of a device map knows its device. */
	if (type == XCAP_MAP_DEVMAP || type == XCAP_MAP_DEVMAP_HASH) {
		struct bpf_dtab_netdev *entry = PROBE(info, tgt_value);

		if (entry) {
			struct net_device *dev = PROBE(entry, dev);

			e->redirect_map = 0;
			e->redirect_index = PROBE(dev, ifindex);
		}
	}
	if (e->redirect_map || e->redirect_index)
		e->flags |= XCAP_EVENT_REDIRECTED;
}
#else
static __always_inline void xcap_fill_redirect(struct xcap_event *e, const struct xcap_hit *hit)
{
}
#endif

#endif
