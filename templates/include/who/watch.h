/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What keeps the processes of --follow, and the map of owner.h, current. */
#ifndef XCAP_WATCH_H
#define XCAP_WATCH_H

#include "helpers.h"
#include "packet.h"
#include "who/who.h"
#include "who/owner.h"

static __always_inline u32 xcap_tgid(u64 task)
{
	return PROBE((struct task_struct *)task, tgid);
}

#if XCAP_FOLLOW
/* sched:sched_process_fork: parent, child. A thread is in its process already. */
int xcap_watch_fork(u64 *ctx)
{
	u32 parent = xcap_tgid(ctx[0]), child = xcap_tgid(ctx[1]);
	u32 *followed;
	u32 side;

	if (parent == child)
		return 0;
	followed = xcap_map_lookup_elem(MAP(XCAP_MAP_FOLLOWED), &parent);
	if (!followed)
		return 0;
	side = *followed;
	if (xcap_map_update_elem(MAP(XCAP_MAP_FOLLOWED), &child, &side, 0))
		xcap_who_count(XCAP_WHO_NOT_FOLLOWED);
	return 0;
}

#endif

#if XCAP_WHO_OWNER

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT	2
#define TCP_SYN_RECV	3
#define TCP_FIN_WAIT1	4
#define TCP_CLOSE	7
#define TCP_LAST_ACK	9

#define SHUTDOWN_MASK 3 /* include/net/sock.h */

#define BPF_ANY	    0
#define BPF_NOEXIST 1

#define EEXIST 17

/* include/linux/socket.h */
#define AF_UNIX	   1
#define AF_NETLINK 16

static __always_inline void xcap_owner_put(u64 key, const struct xcap_owner *owner, u64 flags)
{
	/* Where the call goes to the map's own function the upper half is not defined. */
	int error = xcap_map_update_elem(MAP(XCAP_MAP_OWNERS), &key, owner, flags);

	if (!error)
		xcap_who_count(XCAP_WHO_OWNER_LEARNED);
	else if (error != -EEXIST)
		xcap_who_count(XCAP_WHO_OWNER_NO_ROOM);
}

static __always_inline void xcap_owner_drop(u64 key)
{
	if (!xcap_map_delete_elem(MAP(XCAP_MAP_OWNERS), &key))
		xcap_who_count(XCAP_WHO_OWNER_GONE);
}

/* The task that runs, in process context. */
static __always_inline void xcap_owner_is_task(u64 key, u32 by, u64 flags)
{
	struct xcap_owner owner = {.tgid = xcap_get_current_pid_tgid() >> 32, .by = by};

	xcap_get_current_comm(owner.comm, sizeof(owner.comm));
	xcap_owner_put(key, &owner, flags);
}

static __always_inline u64 xcap_port_of(struct sock *sk)
{
	struct net *net = PROBE(sk, __sk_common.skc_net.net);

	return XCAP_OWNER_PORT(PROBE(net, ns.inum), PROBE(sk, __sk_common.skc_num));
}

/*
 * sock:inet_sock_set_state: the socket, its state before, and now. connect() and listen() are of
 * the running task. A connection that comes in belongs to who listens there, until it is accepted;
 * one that the process leaves still has packets to send.
 */
int xcap_watch_state(u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	u32 before = ctx[1], state = ctx[2];
	u64 inode = xcap_socket_inode(sk);
	struct xcap_owner owner = {};
	struct xcap_owner *known;

	if (state == TCP_CLOSE) {
		xcap_owner_drop((u64)sk);
#if !XCAP_OWNER_RELEASES
		if (inode)
			xcap_owner_drop(inode);
#endif
		if (before == TCP_LISTEN)
			xcap_owner_drop(xcap_port_of(sk));
		return 0;
	}
	if (state == TCP_SYN_SENT && inode)
		xcap_owner_is_task(inode, XCAP_OWNER_BY_CONNECT, BPF_NOEXIST);
	if (state == TCP_LISTEN && inode) {
		xcap_owner_is_task(inode, XCAP_OWNER_BY_LISTEN, BPF_NOEXIST);
		xcap_owner_is_task(xcap_port_of(sk), XCAP_OWNER_BY_LISTENER, BPF_ANY);
	}
	if (state == TCP_ESTABLISHED && before == TCP_SYN_RECV && !inode) {
		known = xcap_owner_at(xcap_port_of(sk));
		if (!known)
			return 0;
		owner = *known;
		owner.by = XCAP_OWNER_BY_LISTENER;
		xcap_owner_put((u64)sk, &owner, BPF_ANY);
	}
	if ((state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK) && inode) {
		known = xcap_owner_at(inode);
		if (!known)
			return 0;
		owner = *known;
		xcap_owner_put((u64)sk, &owner, BPF_ANY);
#if !XCAP_OWNER_RELEASES && XCAP_HAS_sock__sk_shutdown
		/* close() says so first; after shutdown() of both ways there is the address. */
		if (PROBE(sk, sk_shutdown) == SHUTDOWN_MASK)
			xcap_owner_drop(inode);
#endif
	}
	return 0;
}

/* sched:sched_process_exec: the task, which has its new name. */
int xcap_watch_exec(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct xcap_owner owner = {.tgid = PROBE(task, tgid)};
	u64 key = XCAP_OWNER_NAME(owner.tgid);

	xcap_probe_read_kernel(owner.comm, sizeof(owner.comm), &task->comm);
	if (xcap_map_update_elem(MAP(XCAP_MAP_OWNERS), &key, &owner, BPF_ANY))
		xcap_who_count(XCAP_WHO_OWNER_NO_ROOM);
	return 0;
}

/* sock_init_data(struct socket *, struct sock *): every socket comes by here; one of the kernel's
 * own, or of a connection that comes in, has no struct socket. */
int xcap_watch_create(u64 *ctx)
{
#if XCAP_HAS_socket_alloc__vfs_inode__i_ino
	struct socket_alloc *alloc = (struct socket_alloc *)ctx[0];
	struct sock *sk = (struct sock *)ctx[1];
	u32 family;
	u64 inode;

	if (!alloc)
		return 0;
	family = PROBE(sk, __sk_common.skc_family);
	if (family == AF_UNIX || family == AF_NETLINK)
		return 0;
	inode = PROBE(alloc, vfs_inode.i_ino);
	xcap_owner_is_task(inode, XCAP_OWNER_BY_CREATE, BPF_ANY);
#endif
	return 0;
}

#if XCAP_ACCEPT_RETURNS
/* What inet_csk_accept() returns: it gets its struct socket later. */
int xcap_watch_accept(u64 *ctx)
{
	u64 sk = ctx[XCAP_ACCEPT_RETURNS];

	if (sk)
		xcap_owner_is_task(sk, XCAP_OWNER_BY_ACCEPT, BPF_ANY);
	return 0;
}
#endif

/* The end of inet_release(struct socket *), of IPv6 too: TCP has put aside who it was. */
int xcap_watch_release(u64 *ctx)
{
#if XCAP_HAS_socket_alloc__vfs_inode__i_ino
	u64 inode = PROBE((struct socket_alloc *)ctx[0], vfs_inode.i_ino);

	xcap_owner_drop(inode);
#endif
	return 0;
}
#endif

/*
 * sched:sched_process_free: the task. Not at its exit, behind which its sockets are closed: until
 * now its number is nobody else's.
 */
int xcap_watch_free(u64 *ctx)
{
	u32 tgid = xcap_tgid(ctx[0]);

	if (PROBE((struct task_struct *)ctx[0], pid) != tgid)
		return 0;
#if XCAP_FOLLOW
	xcap_map_delete_elem(MAP(XCAP_MAP_FOLLOWED), &tgid);
#endif
#if XCAP_WHO_OWNER
	u64 name = XCAP_OWNER_NAME(tgid);

	xcap_map_delete_elem(MAP(XCAP_MAP_OWNERS), &name);
#endif
	return 0;
}

#endif
