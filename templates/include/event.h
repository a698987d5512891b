/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* An event as it is put together in a slot, and as the ring has it. */
#ifndef XCAP_EVENT_H
#define XCAP_EVENT_H

#include "helpers.h"
#include "events.gen.h"
#include "user.h"

struct xcap_slot {
	struct xcap_event event;
#if XCAP_ACTION_C
	u64 has_user;
	union {
		struct xcap_user_extend user;
		u64 user_words[XCAP_USER_WORDS];
	};
#endif
	u8 data[XCAP_CAPTURE_MAX];
};

#define XCAP_DATA_AT __builtin_offsetof(struct xcap_slot, data)

#endif
