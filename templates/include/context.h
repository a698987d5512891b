/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Is the running task to blame? The preempt count of this CPU tells (include/linux/preempt.h):
 * bit 8 while a softirq is served, bits 16-19 in a hard interrupt, bits 20-23 in an NMI. It is a
 * per-CPU variable that BPF reaches by its BTF id (bpf_this_cpu_ptr, 5.10), where kallsyms has
 * data symbols. Elsewhere the place of the context tells: a tracepoint's arguments lie on the
 * stack it was hit on, the task's own in process context, another in an interrupt (x86-64).
 */
#ifndef XCAP_CONTEXT_H
#define XCAP_CONTEXT_H

#include "helpers.h"

#define XCAP_CONTEXT_UNKNOWN 0
#define XCAP_CONTEXT_PROCESS 1
#define XCAP_CONTEXT_SOFTIRQ 2
#define XCAP_CONTEXT_HARDIRQ 3
#define XCAP_CONTEXT_NMI     4

#define XCAP_SOFTIRQ_SERVED 0x00000100
#define XCAP_HARDIRQ_MASK   0x000f0000
#define XCAP_NMI_MASK	    0x00f00000

#define XCAP_THREAD_SIZE 16384 /* arch/x86/include/asm/page_64_types.h, without KASAN */

static __always_inline u32 xcap_context(const u64 *ctx)
{
#if XCAP_PREEMPT_COUNT_ID
	const u8 *base =
		xcap_this_cpu_ptr((void *)bpf_pseudo_fd(BPF_PSEUDO_BTF_ID, XCAP_PREEMPT_COUNT_ID));
	u32 count = *(const u32 *)(base + XCAP_PREEMPT_COUNT_OFFSET);

	if (count & XCAP_NMI_MASK)
		return XCAP_CONTEXT_NMI;
	if (count & XCAP_HARDIRQ_MASK)
		return XCAP_CONTEXT_HARDIRQ;
	if (count & XCAP_SOFTIRQ_SERVED)
		return XCAP_CONTEXT_SOFTIRQ;
	return XCAP_CONTEXT_PROCESS;
#elif XCAP_TASK_STACK_OFFSET
	u64 task = xcap_get_current_task(), stack = 0;

	xcap_probe_read_kernel(&stack, sizeof(stack), (void *)(task + XCAP_TASK_STACK_OFFSET));
	/* Two compares, no arithmetic: the verifier allows none on the context pointer. */
	if ((u64)ctx >= stack && (u64)ctx < stack + XCAP_THREAD_SIZE)
		return XCAP_CONTEXT_PROCESS;
	return XCAP_CONTEXT_SOFTIRQ;
#else
	return XCAP_CONTEXT_UNKNOWN;
#endif
}

#endif
