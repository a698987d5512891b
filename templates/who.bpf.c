// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Programs that keep the maps of who is who current: which processes came of which (--follow), and
 * whose sockets are whose (--who owner). Raw tracepoints, and functions where the kernel lets them
 * be hooked; their arguments are read by the helper.
 */
#include "helpers.h"
#include "kernel.gen.h"
#include "who/who.h"
#include "who/watch.h"
