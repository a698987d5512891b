/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is known of a packet's verdict, from where it is given to where the packet is freed. A
 * packet is known by its address, which no other has meanwhile; an entry goes when the packet is
 * freed (rules-end.bpf.c), behind the hooks that send events.
 */
#ifndef XCAP_RULE_STATE_H
#define XCAP_RULE_STATE_H

#include "helpers.h"
#include "rule.gen.h"

/* Of a verdict: the packet's may change before it is freed. */
#define XCAP_ANY_LENGTH ~0u

/*
 * What is noted of each packet, or call, that goes on: so no hash map, the key chooses the place.
 * Two CPUs may write the same one: `check` tells a whole note from halves of two.
 */
struct xcap_note {
	volatile u64 key;
	volatile u64 first;
	volatile u64 second;
	volatile u64 check;
};

static __always_inline struct xcap_note *xcap_note_at(void *map, u64 key)
{
	u32 place = (key >> 8 ^ key >> 20) & (XCAP_PASSING - 1);

	return xcap_map_lookup_elem(map, &place);
}

static __always_inline void xcap_note(void *map, u64 key, u64 first, u64 second)
{
	struct xcap_note *note = xcap_note_at(map, key);

	if (!note)
		return;
	note->key = key;
	note->first = first;
	note->second = second;
	note->check = key ^ first ^ second;
}

/* 0: nothing is, or no longer. */
static __always_inline int xcap_noted(const struct xcap_note *note, u64 key, u64 *first,
				      u64 *second)
{
	if (!note || note->key != key)
		return 0;
	*first = note->first;
	*second = note->second;
	return note->check == (key ^ *first ^ *second);
}

#endif
