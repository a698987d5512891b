/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * For XDP programs that let xcap see what they decide on: `xcap --hook xdpmap:PATH` captures each
 * packet as the program leaves it, with the verdict. The program ends every path by a tail call
 *into a map that is empty while nobody looks; a tail call into an empty entry does nothing.
 *
 *	XCAP_HOOK_MAP(xcap_hook);
 *	...
 *	return xcap_exit(ctx, &xcap_hook, XDP_DROP);
 *
 * The map has to be pinned: `bpftool prog load` does it with `pinmaps`. A tail call comes back for
 * entries that are empty only, so nothing that has to happen may stand behind it.
 *
 * It takes the place of the header that comes with xdpcap: XDPCAP_HOOK() and xdpcap_exit() are
 *there too, and either tool can read the map.
 */
#ifndef XCAP_HOOK_H
#define XCAP_HOOK_H

#include <linux/bpf.h>

/* XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT: the action is the entry. */
#define XCAP_HOOK_ENTRIES 5

/* A hook map as libbpf wants it, and `bpftool`: found by BTF, so compile with -g. */
#define XCAP_HOOK_MAP(name)                                                                        \
	struct {                                                                                   \
		int (*type)[BPF_MAP_TYPE_PROG_ARRAY];                                              \
		int (*key_size)[sizeof(int)];                                                      \
		int (*value_size)[sizeof(int)];                                                    \
		int (*max_entries)[XCAP_HOOK_ENTRIES];                                             \
	} name __attribute__((section(".maps"), used))

/* For loaders with a struct of their own: struct bpf_map_def SEC("maps") hook = XCAP_HOOK(); */
#define XCAP_HOOK()                                                                                \
	{                                                                                          \
		.type = BPF_MAP_TYPE_PROG_ARRAY, .key_size = sizeof(int),                          \
		.value_size = sizeof(int), .max_entries = XCAP_HOOK_ENTRIES,                       \
	}

/* Ends the program: as `return action`, seen by whoever is in the map. */
static inline __attribute__((always_inline)) enum xdp_action
xcap_exit(struct xdp_md *ctx, void *hook_map, enum xdp_action action)
{
	/* bpf_tail_call() by its number: each loader's headers name it in their own way. */
	long (*const tail_call)(struct xdp_md *, void *, __u32) = (void *)12;

	tail_call(ctx, hook_map, action);
	return action;
}

#ifndef XDPCAP_HOOK_H
#define XDPCAP_HOOK_H
#define XDPCAP_HOOK() XCAP_HOOK()
#define xdpcap_exit   xcap_exit
#endif

#endif
