/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Empty: included by libbcc, needed by nothing here. */
