/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Events of a function's return. The packet may be freed by then, and a kretprobe does not see the
 * arguments: so everything is done at the entry, and what matched waits in a map for the return of
 * that very activation. It is known by where it lies on a stack, an address that no other one has
 * as long as it lasts: not in an interrupt on top of it, not in another task. Two functions can
 * share it, where one ends by jumping to the other: so the hook is part of the key.
 *
 * fentry and fexit: the trampoline gives both the same context, in its own stack frame.
 * kprobe and kretprobe: the stack pointer; at the return the return address is off the stack.
 */
#ifndef XCAP_RETURNS_H
#define XCAP_RETURNS_H

#include "context.h"
#include "count.h"
#include "event.h"
#include "hit.h"

struct xcap_activation {
	u64 frame;
	u64 hook;
};

#if XCAP_RETURNS

/* The verifier takes no part of a context pointer for a number, but what it is negated to. */
static __always_inline u64 xcap_frame(const u64 *ctx)
{
	u64 frame = (u64)ctx;

	asm volatile("%0 = -%0" : "+r"(frame));
	return frame;
}

/* An event that waits, as it would have been sent: the beginning of a slot. */
static __always_inline u32 xcap_keep(const struct xcap_hit *hit, void *slot)
{
	struct xcap_activation key = {.frame = hit->frame, .hook = xcap_hook(hit)};

	if (xcap_map_update_elem(MAP(XCAP_MAP_PENDING), &key, slot, 0))
		return XCAP_COUNT_LOST;
	return XCAP_COUNT_WAITING;
}

static __always_inline void xcap_kept_ends(const struct xcap_activation *key, u32 outcome)
{
	xcap_map_delete_elem(MAP(XCAP_MAP_PENDING), key);
	xcap_add(key->hook, XCAP_COUNT_WAITING, -1);
	xcap_count(key->hook, outcome);
}

/* At the entry: whatever waits under this key is of an activation whose return was missed. */
static __always_inline void xcap_forget(const struct xcap_hit *hit)
{
	struct xcap_activation key = {.frame = hit->frame, .hook = xcap_hook(hit)};

	if (xcap_map_lookup_elem(MAP(XCAP_MAP_PENDING), &key))
		xcap_kept_ends(&key, XCAP_COUNT_MISSED);
}

/* What waits is of this task, or else of an entry that this one's was missed after. */
static __always_inline int xcap_is_of_task(const struct xcap_event *e)
{
	return e->pid == (u32)xcap_get_current_pid_tgid();
}

/* At the return. Without an event that waits there is none: it was rejected, or lost. */
static __always_inline int xcap_returned(u32 hook, u64 frame, u64 value, u32 has_value)
{
	struct xcap_activation key = {.frame = frame, .hook = hook};
	struct xcap_event *e; /* the beginning of a slot */
	u32 outcome = XCAP_COUNT_MISSED;
	u64 length;

	xcap_keep_cpu();
	e = xcap_map_lookup_elem(MAP(XCAP_MAP_PENDING), &key);
	if (e) {
		if (xcap_is_of_task(e)) {
			u64 now = xcap_ktime_get_ns();

			e->duration_ns = now - e->time_ns;
			e->time_ns = now;
			e->ret = value;
			e->flags &= XCAP_EVENT_LINEAR_ONLY;
			e->flags |= has_value ? XCAP_EVENT_TIMED | XCAP_EVENT_RETURNED
					      : XCAP_EVENT_TIMED;
			length = e->captured_length;
			XCAP_HIDE(length);
			if (length > XCAP_PENDING_MAX)
				length = 0;
			outcome =
				xcap_ringbuf_output(MAP(XCAP_MAP_RING), e, XCAP_DATA_AT + length, 0)
					? XCAP_COUNT_LOST
					: XCAP_COUNT_SUBMITTED;
		}
		xcap_kept_ends(&key, outcome);
	}
	xcap_yield_cpu();
	return 0;
}

#else

static __always_inline u32 xcap_keep(const struct xcap_hit *hit, void *slot)
{
	return XCAP_COUNT_LOST;
}

#endif

#endif
