/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a program was given, where it does not lie in its context as it is: see
 * src/codegen/unit-kind.ts. */
#ifndef XCAP_ARGUMENTS_H
#define XCAP_ARGUMENTS_H

#include "helpers.h"

/* fentry, from 5.17: arguments of any type, as numbers. */
static __always_inline u64 xcap_func_arg(u64 *ctx, u32 number)
{
	u64 value = 0;

	xcap_get_func_arg(ctx, number, &value);
	return value;
}

/* fexit, from 5.17: what the function returned. */
static __always_inline u64 xcap_func_ret(u64 *ctx)
{
	u64 value = 0;

	xcap_get_func_ret(ctx, &value);
	return value;
}

/* What a `struct sk_buff **` leads to. */
static __always_inline void *xcap_pointer_at(u64 address)
{
	void *pointer = 0;

	xcap_probe_read_kernel(&pointer, sizeof(pointer), (const void *)address);
	return pointer;
}

#endif
