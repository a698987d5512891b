/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where an event is put together: a CPU has some slots, and an event holds one of them. Where
 * preemption is off while a program runs, by the kernel or by xcap_capture(), whatever else uses
 * the slots of this CPU nests strictly inside, and a plain counter is enough.
 *
 * XCAP_CLAIMS_SLOTS: fentry trampolines only keep a task from moving to another CPU (5.11, commit
 * 74d862b682f5). A task put aside inside the program and those that run meanwhile end in any order:
 * each claims a slot of its own by an atomic exchange (5.12).
 */
#ifndef XCAP_SLOTS_H
#define XCAP_SLOTS_H

#include "helpers.h"
#include "event.h"

struct xcap_nesting {
	volatile u32 depth;
	volatile u32 first; /* always 0, which the verifier does not know */
	u64 claimed[XCAP_CLAIMED_SLOTS];
};

#define XCAP_NO_SLOT ~0u

static __always_inline struct xcap_nesting *xcap_nesting(void)
{
	u32 zero = 0;

	return xcap_map_lookup_elem(MAP(XCAP_MAP_DEPTH), &zero);
}

#if XCAP_CLAIMS_SLOTS
/*
 * They lie behind those of the programs that nest. To the verifier each of them is any of them:
 * with a number that it knows it would go through the rest of the program once for each.
 */
static __always_inline u32 xcap_claim(struct xcap_nesting *nesting)
{
	u64 first = nesting->first;
	u64 place;

#pragma unroll
	for (u32 i = 0; i < XCAP_CLAIMED_SLOTS; i++) {
		place = first + i;
		XCAP_HIDE(place);
		place &= XCAP_CLAIMED_SLOTS - 1;
		if (!__sync_lock_test_and_set(&nesting->claimed[place], 1))
			return XCAP_LEVELS + place;
	}
	return XCAP_NO_SLOT;
}

static __always_inline void xcap_release(struct xcap_nesting *nesting, u64 place)
{
	volatile u64 *claimed;

	place -= XCAP_LEVELS;
	XCAP_HIDE(place);
	/* The verifier takes the bound from here. */
	place &= XCAP_CLAIMED_SLOTS - 1;
	claimed = &nesting->claimed[place];
	*claimed = 0;
}
#else
static __always_inline u32 xcap_claim(struct xcap_nesting *nesting)
{
	u32 level = nesting->depth;

	if (level >= XCAP_LEVELS)
		return XCAP_NO_SLOT;
	nesting->depth = level + 1;
	return level;
}

static __always_inline void xcap_release(struct xcap_nesting *nesting, u32 place)
{
	nesting->depth = place;
}
#endif

/* The same where only the place was kept. */
static __always_inline void xcap_release_place(u64 place)
{
	struct xcap_nesting *nesting = xcap_nesting();

	if (nesting)
		xcap_release(nesting, place);
}

static __always_inline struct xcap_slot *xcap_slot(u32 place)
{
	u32 index = xcap_get_smp_processor_id() * XCAP_SLOTS + place;

	return xcap_map_lookup_elem(MAP(XCAP_MAP_SLOTS), &index);
}

/* A slot, for whoever gives its place back by xcap_release(); 0: there is none, or none left. */
static __always_inline struct xcap_slot *xcap_take_slot(struct xcap_nesting **nesting, u32 *place)
{
	struct xcap_slot *slot;

	*place = XCAP_NO_SLOT;
	*nesting = xcap_nesting();
	if (!*nesting)
		return 0;
	*place = xcap_claim(*nesting);
	if (*place == XCAP_NO_SLOT)
		return 0;
	slot = xcap_slot(*place);
	if (!slot) {
		xcap_release(*nesting, *place);
		*place = XCAP_NO_SLOT;
	}
	return slot;
}

#endif
