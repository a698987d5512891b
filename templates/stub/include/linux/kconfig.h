/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define CONFIG_BPF_SYSCALL 1
