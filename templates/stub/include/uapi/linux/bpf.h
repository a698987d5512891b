/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* libbcc carries the UAPI header in memory. */
#include <bcc/bpf.h>
