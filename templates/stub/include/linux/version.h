/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* libbcc wants a version; no template asks for it: kernel differences are probed, not derived. */
#define LINUX_VERSION_CODE	393216
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
