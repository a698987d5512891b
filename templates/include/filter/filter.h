/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the C text of a compiled filter relies on. A filter is one function
 *
 *	static __always_inline u32 NAME(struct xcap_pkt *p, u8 *w)
 *
 * that returns what the cBPF program returns: 0 for no match. w is an array on the caller's stack,
 * aligned to 8 bytes, of the size that came with the text.
 *
 * Program types: any that may call bpf_probe_read_kernel (since 5.5).
 */
#ifndef XCAP_FILTER_H
#define XCAP_FILTER_H

#ifndef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#endif

/*
 * A packet: bytes at or beyond linear are never looked at. outside is set when a filter rejects for
 * want of them: one past the last byte that it asked for.
 */
struct xcap_pkt {
	const void *start;
	u64 linear;
	u64 wire_len;
	u32 outside;
	/* What the packet is of, for XCAP_META. */
	const struct xcap_hit *hit;
	const struct xcap_net *net;
};

/* A load that is out of bounds rejects. */
static __always_inline u32 xcap_outside(struct xcap_pkt *p, u32 end)
{
	p->outside = end;
	return 0;
}

/*
 * XCAP_META(field, p, value) asks for what is known beside the bytes (SKF_AD_* of linux/filter.h);
 * 0 when it is known. Whoever has an skb defines it before this file.
 */
#ifndef XCAP_META
#define XCAP_META(field, p, value) (*(value) = 0, -1)
#endif

/*
 * Copies a constant number of bytes from packet memory; 0 when it could. The helper is named by its
 * number: declared to return an int, as usual, its result costs two shifts more.
 */
#ifndef XCAP_FETCH
static long (*const xcap_probe_read_kernel)(void *dst, u32 size, const void *src) = (void *)113;
#define XCAP_FETCH(dst, size, src) xcap_probe_read_kernel(dst, size, src)
#endif

/*
 * The window w, size bytes of the packet from its byte `first` on, pad behind w; 0 when it could be
 * had. And a field of the packet. Who may load from any address needs no copy, and defines them
 * before this file.
 */
#ifndef XCAP_WINDOW
#define XCAP_WINDOW(w, pad, size, start, first) XCAP_FETCH((w) + (pad), size, (start) + (first))
#define XCAP_FIELD(bits, value, src)		XCAP_FETCH(value, (bits) / 8, src)
#endif

/*
 * Verifiers from 5.12 on take a read of the stack at an offset that is bounded but not constant
 * (commit 01f810ace9ed, "bpf: Allow variable-offset stack access"). Without it each such field is
 * fetched from the packet.
 */
#ifndef XCAP_VAR_STACK
#define XCAP_VAR_STACK 1
#endif

/*
 * A field at byte `at` of the eight from `word` on, all of which the packet has; `read` is the same
 * by itself. Who may load from any address takes them at once, by an XCAP_WORD() of its own: each
 * load there is one instruction and a check of the address.
 */
#ifdef XCAP_WORD
#define XCAP_OF_WORD(field, word, at, read) xcap_##field##_of(XCAP_WORD(word), at)
#else
#define XCAP_OF_WORD(field, word, at, read) (read)
#endif

/*
 * XCAP_AHEAD(p, offset): the eight bytes from there on, of which the packet has the first that are
 * asked for at that place. Only where memory goes on behind each packet.
 */

/* What was loaded before is not used again: see src/filter/emit-c.ts. */
#define XCAP_FORGET() asm volatile("" ::: "memory")

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define XCAP_BE16(v) __builtin_bswap16(v)
#define XCAP_BE32(v) __builtin_bswap32(v)
#else
#define XCAP_BE16(v) (v)
#define XCAP_BE32(v) (v)
#endif

/* The window is an array of bytes that is read as wider fields. */
typedef u16 __attribute__((__may_alias__)) xcap_field16;
typedef u32 __attribute__((__may_alias__)) xcap_field32;
typedef u64 __attribute__((__may_alias__)) xcap_field64;

static __always_inline u32 xcap_byte(const void *at)
{
	return *(const u8 *)at;
}

static __always_inline u32 xcap_be16(const void *at)
{
	return XCAP_BE16(*(const xcap_field16 *)at);
}

static __always_inline u32 xcap_be32(const void *at)
{
	return XCAP_BE32(*(const xcap_field32 *)at);
}

/*
 * An offset into the window. The mask changes nothing, and the compiler could drop it: hence the
 * first barrier. The verifier needs to see it next to the read, as bounds get lost when a register
 * is spilled (before 5.16). The second keeps the compiler from using that low bits are zero: it
 * would add to the pointer by |=, which the verifier refuses.
 */
static __always_inline u64 xcap_mask(u64 offset, u64 mask)
{
	asm volatile("" : "+r"(offset));
	offset &= mask;
	asm volatile("" : "+r"(offset));
	return offset;
}

/* A field of `bits` at byte `at` of a word as it was loaded. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define XCAP_SHIFTED(word, at, bits) ((word) >> 8 * (at))
#else
#define XCAP_SHIFTED(word, at, bits) ((word) >> (64 - (bits)-8 * (at)))
#endif

static __always_inline u32 xcap_byte_of(u64 word, u32 at)
{
	return (u8)XCAP_SHIFTED(word, at, 8);
}

static __always_inline u32 xcap_be16_of(u64 word, u32 at)
{
	return XCAP_BE16((u16)XCAP_SHIFTED(word, at, 16));
}

static __always_inline u32 xcap_be32_of(u64 word, u32 at)
{
	return XCAP_BE32((u32)XCAP_SHIFTED(word, at, 32));
}

/* One field straight from the packet: the caller has checked the bounds. 0 when it could. */
static __always_inline int xcap_fetch8(const struct xcap_pkt *p, u32 offset, u32 *value)
{
	u8 field;

	if (XCAP_FIELD(8, &field, p->start + offset))
		return -1;
	*value = field;
	return 0;
}

static __always_inline int xcap_fetch16(const struct xcap_pkt *p, u32 offset, u32 *value)
{
	u16 field;

	if (XCAP_FIELD(16, &field, p->start + offset))
		return -1;
	*value = XCAP_BE16(field);
	return 0;
}

static __always_inline int xcap_fetch32(const struct xcap_pkt *p, u32 offset, u32 *value)
{
	u32 field;

	if (XCAP_FIELD(32, &field, p->start + offset))
		return -1;
	*value = XCAP_BE32(field);
	return 0;
}

/* The same for an offset that can be anything. */
static __always_inline int xcap_load8(struct xcap_pkt *p, u32 offset, u32 *value)
{
	if ((u64)offset + 1 > p->linear) {
		p->outside = (u64)offset + 1 > ~0u ? ~0u : offset + 1;
		return -1;
	}
	return xcap_fetch8(p, offset, value);
}

static __always_inline int xcap_load16(struct xcap_pkt *p, u32 offset, u32 *value)
{
	if ((u64)offset + 2 > p->linear) {
		p->outside = (u64)offset + 2 > ~0u ? ~0u : offset + 2;
		return -1;
	}
	return xcap_fetch16(p, offset, value);
}

static __always_inline int xcap_load32(struct xcap_pkt *p, u32 offset, u32 *value)
{
	if ((u64)offset + 4 > p->linear) {
		p->outside = (u64)offset + 4 > ~0u ? ~0u : offset + 4;
		return -1;
	}
	return xcap_fetch32(p, offset, value);
}

#endif
