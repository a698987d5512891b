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
#include "kernel.gen.h"

#define XCAP_CONTEXT_UNKNOWN 0
#define XCAP_CONTEXT_PROCESS 1
#define XCAP_CONTEXT_SOFTIRQ 2
#define XCAP_CONTEXT_HARDIRQ 3
#define XCAP_CONTEXT_NMI     4

#define XCAP_SOFTIRQ_SERVED 0x00000100
#define XCAP_HARDIRQ_MASK   0x000f0000
#define XCAP_NMI_MASK	    0x00f00000

/*
 * From 7.0 a tracepoint leaves preemption on. A task put aside inside the program keeps others from
 * running it on that CPU (the kernel counts them as missed), until it gets its turn again; and
 * events would no longer nest like brackets. So preemption is off while the program runs, and comes
 * back with interrupts off: then it is not this place that gives the CPU away, but the kernel's own
 * next one, with the program left.
 */
#if XCAP_KEEPS_CPU
static __always_inline void xcap_keep_cpu(void)
{
	((void (*)(void))XCAP_PREEMPT_DISABLE)();
}

static __always_inline void xcap_yield_cpu(void)
{
	unsigned long flags;

	((void (*)(unsigned long *))XCAP_IRQ_SAVE)(&flags);
	((void (*)(void))XCAP_PREEMPT_ENABLE)();
	((void (*)(unsigned long *))XCAP_IRQ_RESTORE)(&flags);
}
#else
static __always_inline void xcap_keep_cpu(void)
{
}

static __always_inline void xcap_yield_cpu(void)
{
}
#endif

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

#if XCAP_CASTS
	stack = (u64)XCAP_CAST((struct task_struct *)task)->stack;
#else
	xcap_probe_read_kernel(&stack, sizeof(stack), (void *)(task + XCAP_TASK_STACK_OFFSET));
#endif
	/* Two compares, no arithmetic: the verifier allows none on the context pointer. */
	if ((u64)ctx >= stack && (u64)ctx < stack + XCAP_THREAD_SIZE)
		return XCAP_CONTEXT_PROCESS;
	return XCAP_CONTEXT_SOFTIRQ;
#else
	return XCAP_CONTEXT_UNKNOWN;
#endif
}

#endif
