/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Whose packet it is, beside the task that happens to run: the cgroup that its socket was made in,
 * and the process that has the socket (owner.h). Sockets are read by the helper, whatever the
 * program: they come from several places, typed and not.
 */
#ifndef XCAP_WHO_H
#define XCAP_WHO_H

#include "helpers.h"
#include "context.h"
#include "hit.h"
#include "packet.h"
#include "events.gen.h"
#if XCAP_WHO_OWNER
#include "who/owner.h"
#endif

/* What could not be kept, and was: the order is that of src/abi/who.ts. */
static __always_inline void xcap_who_count(u32 what)
{
	u64 *count = xcap_map_lookup_elem(MAP(XCAP_MAP_WHO_COUNTS), &what);

	if (count)
		__sync_fetch_and_add(count, 1);
}

#if XCAP_FOLLOW
/* The side that the process is on: XCAP_FOLLOW_ACCEPT, XCAP_FOLLOW_REFUSE, or 0. */
static __always_inline u32 xcap_followed(u32 tgid)
{
	u32 *side = xcap_map_lookup_elem(MAP(XCAP_MAP_FOLLOWED), &tgid);

	return side ? *side : 0;
}
#endif

#if XCAP_WHO

/* include/net/tcp_states.h */
#define TCP_LISTEN	 10
#define TCP_NEW_SYN_RECV 12

/* The order is that of src/abi/who.ts. */
#define XCAP_CGROUP_BY_SOCKET 1
#define XCAP_CGROUP_BY_TASK   2

/*
 * The socket of the event, with all of its members: for a connection that is only asked for, the
 * one that listens. Of one in TIME_WAIT only a stump is left, that knows nothing of all this.
 */
static __always_inline struct sock *xcap_whole_socket(struct sock *sk)
{
	u64 whole = (u64)sk;
	u32 state;

	if (!sk)
		return 0;
	state = PROBE(sk, __sk_common.skc_state);
	if (xcap_is_mini_socket(state)) {
		whole = 0;
		if (state == TCP_NEW_SYN_RECV)
			whole = (u64)PROBE(sk, __sk_common.skc_listener);
	}
	XCAP_HIDE(whole);
	return (struct sock *)whole;
}

static __always_inline struct sock *xcap_socket_of(const struct xcap_hit *hit)
{
	u64 sk;

	if (hit->xdp)
		sk = (u64)hit->owner;
	else if (hit->skb)
		sk = (u64)READ(hit->skb, sk);
	else
		sk = 0;
	XCAP_HIDE(sk);
	if (!sk && !hit->xdp)
		sk = (u64)xcap_rx_sk(hit);
	XCAP_HIDE(sk);
	return xcap_whole_socket((struct sock *)sk);
}

/* A cgroup is known by its address, as long as the program runs. */
struct xcap_cgroup {
	u64 address;
	u32 by;
};

#if XCAP_WHO_CGROUP
static __always_inline u64 xcap_socket_cgroup(struct sock *sk)
{
#if XCAP_HAS_sock__sk_cgrp_data__cgroup
	return (u64)PROBE(sk, sk_cgrp_data.cgroup);
#elif XCAP_HAS_sock__sk_cgrp_data__val
	/* Before 5.15 (commit 8520e224f547) net_cls and net_prio take its place, and say so by
	 * bit 0; bit 1 is another mark. */
	u64 value = PROBE(sk, sk_cgrp_data.val);

	return value & 1 ? 0 : value & ~3ull;
#else
	return 0;
#endif
}

/* That of the socket, else that of the task if it is to blame. */
static __always_inline struct xcap_cgroup xcap_cgroup_of(const struct xcap_hit *hit,
							 struct sock *sk)
{
	struct xcap_cgroup cgroup = {};
	struct css_set *sets;

	if (sk)
		cgroup.address = xcap_socket_cgroup(sk);
	if (cgroup.address) {
		cgroup.by = XCAP_CGROUP_BY_SOCKET;
	} else if (xcap_context(hit->ctx) <= XCAP_CONTEXT_PROCESS) {
		sets = (struct css_set *)PROBE((struct task_struct *)xcap_get_current_task(),
					       cgroups);
		cgroup.address = (u64)PROBE(sets, dfl_cgrp);
		cgroup.by = XCAP_CGROUP_BY_TASK;
	}
	return cgroup;
}

static __always_inline u64 xcap_cgroup_id(u64 cgroup)
{
	struct kernfs_node *node = (struct kernfs_node *)PROBE((struct cgroup *)cgroup, kn);

	return PROBE(node, id);
}

/* Is it that one, or somewhere below? The kernel keeps what is above each, the root first. */
static __always_inline u32 xcap_in_cgroup(u64 cgroup, u64 level, u64 id)
{
	u64 above = 0;

	if (!cgroup || PROBE((struct cgroup *)cgroup, level) < (u32)level)
		return 0;
#if XCAP_CGROUP_ANCESTORS
	xcap_probe_read_kernel(&above, sizeof(above),
			       (void *)(cgroup + XCAP_CGROUP_ANCESTORS + 8 * level));
	return above && xcap_cgroup_id(above) == id;
#elif XCAP_CGROUP_ANCESTOR_IDS
	/* Before 6.1 (commit 7f203bc89eb6) their numbers. */
	xcap_probe_read_kernel(&above, sizeof(above),
			       (void *)(cgroup + XCAP_CGROUP_ANCESTOR_IDS + 8 * level));
	return above == id;
#else
	return xcap_cgroup_id(cgroup) == id;
#endif
}
#endif

/* Returns the number of a socket whose process is not known: the reader may find it. */
static __always_inline u32 xcap_fill_who(struct xcap_who *who, const struct xcap_hit *hit)
{
	u32 stranger = 0;
	struct sock *sk = xcap_socket_of(hit);

	__builtin_memset(who, 0, sizeof(*who));
#if XCAP_WHO_CGROUP
	struct xcap_cgroup cgroup = xcap_cgroup_of(hit, sk);

	if (cgroup.address)
		who->cgroup = xcap_cgroup_id(cgroup.address);
	who->cgroup_by = cgroup.by;
#endif
#if XCAP_WHO_OWNER
	const struct xcap_owner *owner = xcap_owner_of(sk);
	const u64 *comm;

	if (owner) {
		comm = xcap_owner_comm(owner);
		who->owner = owner->tgid;
		who->owner_by = owner->by;
		__builtin_memcpy(who->owner_comm, comm, sizeof(who->owner_comm));
	} else {
		stranger = xcap_socket_inode(sk);
	}
#endif
	return stranger;
}

#endif

#endif
