/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* An event as it is put together in a slot, and as the ring has it. */
#ifndef XCAP_EVENT_H
#define XCAP_EVENT_H

#include "helpers.h"
#include "events.gen.h"
#include "synth/state.h"
#include "filter/user.h"
#if XCAP_RULES
#include "rule.gen.h"
#endif

/*
 * Where gather.h is in a packet. In memory, where the verifier knows none of it: in registers it
 * would follow each way through the loop on its own.
 */
struct xcap_walk {
	u64 wanted; /* where the copy is to end */
	u64 end;    /* where it ends so far */
	u64 from;   /* what is left of the piece */
	u64 left;
	u64 info; /* struct skb_shared_info */
	u64 frag; /* the next one of it */
	u64 next; /* where the address of the next skb is; 0: there is none */
	u64 skb;
	u64 page_offset_base;
	u64 vmemmap_base;
	struct { /* struct skb_frag, bio_vec before 6.9 */
		u64 address;
		u32 length;
		u32 offset;
	} page;
	u32 skb_len;
	u32 skb_data_len;
	u32 skb_end;
	u8 frags;
	u16 place; /* of the slot */
};

/*
 * What the packet is: its first byte, how many are linear, XCAP_LINK_*, whether a VLAN tag lies
 * beside it. In memory for the same reason.
 */
struct xcap_found {
	u64 start;
	u32 linear;
	u32 link;
	u32 tagged;
	u32 wire_len;
	u32 synth;
	s32 before;
};

_Static_assert(sizeof(struct xcap_found) == XCAP_FOUND_BYTES, "src/abi/maps.ts");
_Static_assert(sizeof(struct xcap_walk) + sizeof(struct xcap_found) + sizeof(struct xcap_making) ==
		       XCAP_SCRATCH_BYTES,
	       "src/abi/maps.ts");

struct xcap_slot {
	struct xcap_event event;
#if XCAP_WHO
	struct xcap_who who;
#endif
#if XCAP_ACTION_C
	u64 has_user;
	union {
		struct xcap_user_extend user;
		u64 user_words[XCAP_USER_WORDS];
	};
#endif
#if XCAP_RULES
	struct xcap_rule rule;
#endif
	/* More than what is captured: room for the last copy of gather.h, of any size. */
	u8 data[XCAP_SLOT_DATA];
	struct xcap_walk walk;
	struct xcap_found found;
	struct xcap_making making;
};

#define XCAP_TAG_AT    12 /* of a VLAN tag: behind the addresses */
#define XCAP_TAG_BYTES 4

#define XCAP_DATA_AT __builtin_offsetof(struct xcap_slot, data)

#endif
