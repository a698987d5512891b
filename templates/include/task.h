/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who is running, for programs that the kernel gives the helpers of it only lately or never (XDP:
 * bpf_get_current_pid_tgid() from 6.10). They may ask for the task, and read what the helpers
 * would.
 */
#ifndef XCAP_TASK_H
#define XCAP_TASK_H

#include "helpers.h"
#include "packet.h"
#include "events.gen.h"

#if XCAP_TASK_BY_PROBE
static __always_inline struct task_struct *xcap_task(void)
{
	return (struct task_struct *)xcap_get_current_task();
}

static __always_inline u64 xcap_get_current_pid_tgid(void)
{
	struct task_struct *task = xcap_task();

	return (u64)PROBE(task, tgid) << 32 | (u32)PROBE(task, pid);
}

static __always_inline u64 xcap_get_current_uid_gid(void)
{
	struct cred *cred = (struct cred *)PROBE(xcap_task(), cred);

	return PROBE(cred, uid.val);
}

static __always_inline long xcap_get_current_comm(void *buf, u32 size)
{
	return xcap_probe_read_kernel(buf, size, &xcap_task()->comm);
}
#endif

static __always_inline void xcap_fill_task(struct xcap_event *e)
{
#if XCAP_CASTS
	/* Trusted, as in XCAP_SKB(); but not what it points to, as in XCAP_GIVEN(). */
	struct task_struct *task = xcap_get_current_task_btf();
	struct cred *cred = PROBE(task, cred);

	e->tgid = task->tgid;
	e->pid = task->pid;
	e->uid = PROBE(cred, uid.val);
	XCAP_LOAD_16(e->comm, &task->comm);
#else
	u64 task = xcap_get_current_pid_tgid();

	e->tgid = task >> 32;
	e->pid = task;
	e->uid = xcap_get_current_uid_gid();
	xcap_get_current_comm(e->comm, sizeof(e->comm));
#endif
}

#endif
