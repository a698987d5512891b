/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef XCAP_INODE_H
#define XCAP_INODE_H

#include "packet.h"

/* What /proc/PID/fd calls socket:[N]; 0 for none. */
static __always_inline u32 xcap_socket_inode(struct sock *sk)
{
#if XCAP_HAS_socket_alloc__vfs_inode__i_ino
	if (sk) {
		/* SOCK_INODE(): the socket is its first member. */
		struct socket_alloc *alloc = (struct socket_alloc *)PROBE(sk, sk_socket);

		if (alloc)
			return PROBE(alloc, vfs_inode.i_ino);
	}
#endif
	return 0;
}

#endif
