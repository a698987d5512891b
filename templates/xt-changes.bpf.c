// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Rules of iptables-legacy are replaced a table at a time. */
#include "rules/changes.h"

int xcap_xt_changes(u64 *ctx)
{
	return xcap_changed(XCAP_CHANGE_BEGINS);
}

int xcap_xt_changed_now(u64 *ctx)
{
	return xcap_changed(XCAP_CHANGE_DONE);
}
