/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What iptables calls that with which a packet begins in a table. */
#ifndef XCAP_XT_NAMES_H
#define XCAP_XT_NAMES_H

#include "rules/state.h"

/* Names of the chains that each table begins with, by hook: include/uapi/linux/netfilter.h. */
static __always_inline void xcap_xt_hook_name(char *name, u32 hook)
{
	switch (hook) {
	case 0:
		__builtin_memcpy(name, "PREROUTING", 11);
		break;
	case 1:
		__builtin_memcpy(name, "INPUT", 6);
		break;
	case 2:
		__builtin_memcpy(name, "FORWARD", 8);
		break;
	case 3:
		__builtin_memcpy(name, "OUTPUT", 7);
		break;
	case 4:
		__builtin_memcpy(name, "POSTROUTING", 12);
		break;
	}
}

#endif
