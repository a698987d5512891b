/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A run of an XDP or other BPF program, seen twice: as it starts and as it ends. The filters decide
 * at its start, and its end does the same. Both programs are called by one trampoline, which gives
 * them one context on its stack: the context's address tells runs apart that nest, or that are put
 * aside, on a CPU. A run whose start was not seen is decided on by itself.
 */
#ifndef XCAP_XDP_RUN_H
#define XCAP_XDP_RUN_H

#include "capture.h"

#if XCAP_XDP_RUNS

#define XCAP_RUNS 8 /* a power of two */

/* enum bpf_attach_type: programs of map entries, which run after the device's own. */
#define XCAP_XDP_DEVMAP 33
#define XCAP_XDP_CPUMAP 35

struct xcap_run {
	u64 context; /* 0: nothing kept */
	u64 packet_id;
	u64 rejected; /* the count that it ended in; 0: matched */
};

struct xcap_runs {
	u64 last_id;
	struct xcap_run run[XCAP_RUNS];
};

/* The verifier lets nobody reckon with the address itself. */
static __always_inline u64 xcap_context_number(const struct xcap_hit *hit)
{
	const u64 *kept = hit->ctx;
	u64 number = 0;

	xcap_probe_read_kernel(&number, sizeof(number), &kept);
	return number;
}

static __always_inline struct xcap_runs *xcap_runs(u32 pair)
{
	return xcap_map_lookup_elem(MAP(XCAP_MAP_RUNS), &pair);
}

static __always_inline struct xcap_run *xcap_run(struct xcap_runs *runs, u64 context)
{
	u64 place = context >> 4 ^ context >> 10;

	XCAP_HIDE(place);
	place &= XCAP_RUNS - 1;
	return &runs->run[place];
}

/* Unique in this capture, and a number that JSON's readers do not round: 13 bits of CPU, 40 of
 * count. */
static __always_inline u64 xcap_next_packet_id(void)
{
	struct xcap_runs *runs = xcap_runs(0);

	if (!runs)
		return 0;
	runs->last_id++;
	return (u64)xcap_get_smp_processor_id() << 40 | (runs->last_id & 0xffffffffffull);
}

/* With --track the packet has one already, or gets one when it matches. */
static __always_inline u64 xcap_run_packet_id(void)
{
	return XCAP_TRACK ? 0 : xcap_next_packet_id();
}

static __always_inline int xcap_capture_entry(struct xcap_hit *hit, u32 pair)
{
	u64 context = xcap_context_number(hit);
	struct xcap_runs *runs;
	struct xcap_view view;
	struct xcap_net net;
	u32 outcome;

	xcap_keep_cpu();
	hit->packet_id = xcap_run_packet_id();
	outcome = xcap_rejected(hit, &net, &view);
	runs = xcap_runs(pair);
	if (runs) {
		struct xcap_run *run = xcap_run(runs, context);

		run->packet_id = hit->packet_id;
		run->rejected = outcome;
		/* What no filter has seen is decided on at the end. */
		run->context = outcome == XCAP_COUNT_MISSED ? 0 : context;
	}
	if (!outcome)
		outcome = xcap_send(hit, &net, &view);
	xcap_count(xcap_hook(hit), outcome);
	xcap_yield_cpu();
	return 0;
}

static __always_inline int xcap_capture_exit(struct xcap_hit *hit, u32 pair)
{
	u64 context = xcap_context_number(hit);
	struct xcap_runs *runs;
	struct xcap_view view;
	struct xcap_net net;
	u32 outcome = 0, known = 0;

	xcap_keep_cpu();
	runs = xcap_runs(pair);
	if (runs) {
		struct xcap_run *run = xcap_run(runs, context);

		if (run->context == context) {
			run->context = 0;
			hit->packet_id = run->packet_id;
			outcome = run->rejected;
			known = 1;
		}
	}
	if (!known) {
		hit->packet_id = xcap_run_packet_id();
		outcome = xcap_rejected(hit, &net, &view);
	} else if (!outcome) {
		xcap_look(hit, &net, &view);
	}
	if (!outcome)
		outcome = xcap_send(hit, &net, &view);
	xcap_count(xcap_hook(hit), outcome);
	xcap_yield_cpu();
	return 0;
}

/* The packet came in by this device. */
static __always_inline int xcap_xdp_from(struct xdp_buff *xdp, u32 ifindex, u32 netns)
{
	struct xcap_net net;

	xcap_xdp_net(xdp, &net);
	return net.netns == netns && PROBE(net.dev, ifindex) == ifindex;
}

/* The program that runs: the dispatcher is given its instructions, the last member. */
static __always_inline u32 xcap_xdp_program_id(u64 insns, u64 offset)
{
	struct bpf_prog *prog = (struct bpf_prog *)(insns - offset);
	struct bpf_prog_aux *aux = PROBE(prog, aux);

	return PROBE(aux, id);
}

static __always_inline int xcap_xdp_program_is(u64 insns, u64 offset, u32 id)
{
	return xcap_xdp_program_id(insns, offset) == id;
}

/* It is a device's, not of an entry of a device or CPU map. */
static __always_inline int xcap_xdp_program_is_devices(u64 insns, u64 offset)
{
	struct bpf_prog *prog = (struct bpf_prog *)(insns - offset);
	u32 type = PROBE(prog, expected_attach_type);

	return type != XCAP_XDP_DEVMAP && type != XCAP_XDP_CPUMAP;
}

#endif
#endif
