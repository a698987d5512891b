/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * --stack: the kernel stack that an event comes from, by its number in a map. A stack is there
 * once, however many events come from it, and stays: so an event has 32 bits of it, and the reader
 * names each only once. Its place in the map goes by a hash, and a place that is taken stays taken.
 */
#ifndef XCAP_STACK_H
#define XCAP_STACK_H

#include "helpers.h"
#include "hit.h"

#if XCAP_STACK
#define XCAP_EEXIST 17

/* Frames to leave out at the top: BPF_F_SKIP_FIELD_MASK of include/uapi/linux/bpf.h. */
static __always_inline s64 xcap_stack_id(const struct xcap_hit *hit, u64 skip)
{
	return xcap_get_stackid((void *)hit->ctx, MAP(XCAP_MAP_STACKS), skip);
}
#endif

/* The stack's number plus one, XCAP_STACK_FAILED and an errno, or 0: nobody asked. */
static __always_inline u32 xcap_stack(const struct xcap_hit *hit)
{
#if XCAP_STACK
	s64 id = xcap_stack_id(hit, 0);

#if XCAP_STACK_OWN_FRAME
	/* Another stack is in its place. Without this program's own frame it has another place. */
	if (id == -XCAP_EEXIST)
		id = xcap_stack_id(hit, 1);
#endif
	return id < 0 ? XCAP_STACK_FAILED | (u32)-id : (u32)id + 1;
#else
	return 0;
#endif
}

#endif
