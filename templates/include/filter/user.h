/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the C of --filter-c and --action-c may use, and how it is called: docs/user-c.md. `ext` is
 * the skb, `pkt` a handle for the packet as the filter saw it.
 */
#ifndef XCAP_USER_H
#define XCAP_USER_H

#include "packet.h"
#include "user.gen.h"

#if XCAP_FILTER_C || XCAP_ACTION_C

typedef s8 int8, int8_t;
typedef s16 int16, int16_t;
typedef s32 int32, int32_t;
typedef s64 int64, int64_t;
typedef u8 uint8, uint8_t, uchar;
typedef u16 uint16, uint16_t;
typedef u32 uint32, uint32_t;
typedef u64 uint64, uint64_t;

/* Reads kernel memory: _(skb->mark). 0 when it is not there. */
#define _(lvalue)                                                                                  \
	({                                                                                         \
		__typeof__(lvalue) xcap_read = 0;                                                  \
		xcap_probe_read_kernel(&xcap_read, sizeof(xcap_read), &(lvalue));                  \
		xcap_read;                                                                         \
	})

/* Bytes of the packet in network order, as numbers; not 0 when the packet ends before. */
static __always_inline int xcap_u8(void *pkt, u32 offset, u32 *value)
{
	return xcap_load8(pkt, offset, value);
}

static __always_inline int xcap_u16(void *pkt, u32 offset, u32 *value)
{
	return xcap_load16(pkt, offset, value);
}

static __always_inline int xcap_u32(void *pkt, u32 offset, u32 *value)
{
	return xcap_load32(pkt, offset, value);
}

static __always_inline const void *xcap_start(void *pkt)
{
	return ((struct xcap_pkt *)pkt)->start;
}

static __always_inline u32 xcap_length(void *pkt)
{
	return ((struct xcap_pkt *)pkt)->wire_len;
}

static __always_inline u32 xcap_linear(void *pkt)
{
	return ((struct xcap_pkt *)pkt)->linear;
}

static __always_inline u32 xcap_reason(void *pkt)
{
	return xcap_hit_reason(((struct xcap_pkt *)pkt)->hit);
}

static __always_inline u64 xcap_location(void *pkt)
{
	return xcap_hit_location(((struct xcap_pkt *)pkt)->hit);
}

static __always_inline u32 xcap_netns_inode(void *pkt)
{
	return xcap_netns(((struct xcap_pkt *)pkt)->net);
}

static __always_inline u32 xcap_device(void *pkt)
{
	return xcap_ifindex(((struct xcap_pkt *)pkt)->net);
}

#endif

#if XCAP_FILTER_C
#include "filter-c.user.h"
#endif
#if XCAP_ACTION_C
#include "action-c.user.h"
#include "user-check.gen.h"
#endif

static __always_inline u32 xcap_reject_user(const struct xcap_hit *hit, struct xcap_view *view)
{
#if XCAP_FILTER_C
	if (!xcap_ext_filter(hit->skb, &view->pkt, xcap_hook(hit)))
		return XCAP_COUNT_REJECTED_USER;
#endif
	return 0;
}

#endif
