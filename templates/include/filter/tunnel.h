/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where the packet inside a tunnel packet starts, by the headers in front of it: VXLAN (RFC 7348),
 * Geneve (RFC 8926), GRE (RFC 2784, 2890), IP in IP (RFC 2003, 2473, 4213).
 */
#ifndef XCAP_TUNNEL_H
#define XCAP_TUNNEL_H

#include "filter/filter.h"

#define XCAP_LINK_RAW	   0
#define XCAP_LINK_ETHERNET 1

/* include/uapi/linux/if_ether.h */
#define ETH_P_IP     0x0800
#define ETH_P_TEB    0x6558
#define ETH_P_8021Q  0x8100
#define ETH_P_IPV6   0x86dd
#define ETH_P_8021AD 0x88a8

/* include/uapi/linux/in.h, in6.h */
#define IPPROTO_HOPOPTS	 0
#define IPPROTO_IPIP	 4
#define IPPROTO_UDP	 17
#define IPPROTO_IPV6	 41
#define IPPROTO_ROUTING	 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_GRE	 47
#define IPPROTO_DSTOPTS	 60

#define XCAP_PORT_VXLAN	      4789
#define XCAP_PORT_VXLAN_LINUX 8472 /* the kernel's default from before IANA gave one */
#define XCAP_PORT_GENEVE      6081

#define XCAP_TUNNEL_VLAN_TAGS	 2
#define XCAP_TUNNEL_IPV6_HEADERS 4

struct xcap_inner {
	u32 offset;
	u32 link; /* XCAP_LINK_* of what is there */
};

/* The transport behind an IPv6 header's chain of at most XCAP_TUNNEL_IPV6_HEADERS; 0: found. */
static __always_inline int xcap_tunnel_ipv6(struct xcap_pkt *p, u32 *at, u32 *protocol)
{
	u32 value = 0, next = 0;

	if (xcap_load8(p, *at + 6, protocol))
		return -1;
	*at += 40;
#pragma unroll
	for (int i = 0; i < XCAP_TUNNEL_IPV6_HEADERS; i++) {
		if (*protocol == IPPROTO_HOPOPTS || *protocol == IPPROTO_ROUTING ||
		    *protocol == IPPROTO_DSTOPTS) {
			if (xcap_load8(p, *at, &next) || xcap_load8(p, *at + 1, &value))
				return -1;
			*protocol = next;
			*at += (value + 1) * 8;
		} else if (*protocol == IPPROTO_FRAGMENT) {
			if (xcap_load8(p, *at, &next) || xcap_load16(p, *at + 2, &value))
				return -1;
			/* What a later fragment holds is no header. */
			if (value & 0xfff8)
				return -1;
			*protocol = next;
			*at += 8;
		}
	}
	return 0;
}

static __always_inline int xcap_tunnel_ipv4(struct xcap_pkt *p, u32 *at, u32 *protocol)
{
	u32 value = 0, fragment = 0;

	if (xcap_load8(p, *at, &value) || xcap_load16(p, *at + 6, &fragment) ||
	    xcap_load8(p, *at + 9, protocol))
		return -1;
	if (value >> 4 != 4 || (value & 0xf) < 5 || fragment & 0x1fff)
		return -1;
	*at += (value & 0xf) * 4;
	return 0;
}

/* Behind a GRE header: what it carries as EtherType. Only version 0, and no source routes. */
static __always_inline int xcap_tunnel_gre(struct xcap_pkt *p, u32 *at, u32 *type)
{
	u32 flags = 0;

	if (xcap_load16(p, *at, &flags) || xcap_load16(p, *at + 2, type))
		return -1;
	if (flags & 0x4007)
		return -1;
	*at += 4 + (flags >> 15 & 1) * 4 + (flags >> 13 & 1) * 4 + (flags >> 12 & 1) * 4;
	return 0;
}

static __always_inline int xcap_tunnel_udp(struct xcap_pkt *p, u32 *at, u32 *type)
{
	u32 port = 0, flags = 0;

	if (xcap_load16(p, *at + 2, &port))
		return -1;
	if (port != XCAP_PORT_VXLAN && port != XCAP_PORT_VXLAN_LINUX && port != XCAP_PORT_GENEVE)
		return -1;
	if (xcap_load8(p, *at + 8, &flags))
		return -1;
	if (port == XCAP_PORT_GENEVE) {
		if (flags >> 6 || xcap_load16(p, *at + 10, type))
			return -1;
		*at += 16 + (flags & 0x3f) * 4;
	} else {
		/* Without a network number it is none. */
		if (!(flags & 0x08))
			return -1;
		*type = ETH_P_TEB;
		*at += 16;
	}
	return 0;
}

/* 0: `inner` tells where. Else there is none, or the bytes that would tell are out of reach. */
static __always_inline int xcap_tunnel(struct xcap_pkt *p, u32 link, struct xcap_inner *inner)
{
	u32 at = 0, type = 0, protocol = 0, value = 0;

	if (link == XCAP_LINK_ETHERNET) {
		if (xcap_load16(p, 12, &type))
			return -1;
		at = 14;
#pragma unroll
		for (int i = 0; i < XCAP_TUNNEL_VLAN_TAGS; i++) {
			if (type == ETH_P_8021Q || type == ETH_P_8021AD) {
				if (xcap_load16(p, at + 2, &type))
					return -1;
				at += 4;
			}
		}
	} else {
		if (xcap_load8(p, 0, &value))
			return -1;
		type = value >> 4 == 4 ? ETH_P_IP : value >> 4 == 6 ? ETH_P_IPV6 : 0;
	}
	if (type == ETH_P_IP) {
		if (xcap_tunnel_ipv4(p, &at, &protocol))
			return -1;
	} else if (type == ETH_P_IPV6) {
		if (xcap_tunnel_ipv6(p, &at, &protocol))
			return -1;
	} else {
		return -1;
	}
	if (protocol == IPPROTO_IPIP) {
		type = ETH_P_IP;
	} else if (protocol == IPPROTO_IPV6) {
		type = ETH_P_IPV6;
	} else if (protocol == IPPROTO_GRE) {
		if (xcap_tunnel_gre(p, &at, &type))
			return -1;
	} else if (protocol == IPPROTO_UDP) {
		if (xcap_tunnel_udp(p, &at, &type))
			return -1;
	} else {
		return -1;
	}
	if (type != ETH_P_TEB && type != ETH_P_IP && type != ETH_P_IPV6)
		return -1;
	inner->offset = at;
	inner->link = type == ETH_P_TEB ? XCAP_LINK_ETHERNET : XCAP_LINK_RAW;
	return 0;
}

#endif
