/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which process has a socket. The kernel does not keep that: a map does, which watch.h and
 * /proc/PID/fd fill. One map, and what its keys are of shows by their size:
 *
 * - the inode number of a socket, 32 bits: as long as a process has it open;
 * - the address of one, bit 63: a TCP connection that nobody has accepted yet, or has closed
 *   already, which has no inode; until its state is CLOSE;
 * - XCAP_OWNER_PORT: a port that somebody listens on;
 * - XCAP_OWNER_NAME: a process, that has another name since it executed another program.
 */
#ifndef XCAP_OWNER_H
#define XCAP_OWNER_H

#include "helpers.h"
#include "who/inode.h"
#include "packet.h"

#define XCAP_OWNER_PORT(netns, port) (1ull << 62 | (u64)(netns) << 16 | (port))
#define XCAP_OWNER_NAME(tgid)	     (1ull << 61 | (tgid))

struct xcap_owner {
	u32 tgid;
	u32 by; /* XCAP_OWNER_BY_* */
	u64 comm[2];
};

static __always_inline struct xcap_owner *xcap_owner_at(u64 key)
{
	return xcap_map_lookup_elem(MAP(XCAP_MAP_OWNERS), &key);
}

static __always_inline struct xcap_owner *xcap_owner_of(struct sock *sk)
{
	u64 inode = xcap_socket_inode(sk);
	struct xcap_owner *owner = 0;

	if (inode)
		owner = xcap_owner_at(inode);
	if (!owner && sk)
		owner = xcap_owner_at((u64)sk);
	return owner;
}

/* The name that the process has by now. */
static __always_inline const u64 *xcap_owner_comm(const struct xcap_owner *owner)
{
	const struct xcap_owner *named = xcap_owner_at(XCAP_OWNER_NAME(owner->tgid));

	return named ? named->comm : owner->comm;
}

#endif
