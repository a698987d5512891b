import { readFileSync } from 'node:fs';
import type { CompiledFilter } from '../filter/compiler.ts';
import { packageFile } from '../util/package.ts';

const FILTER_H = packageFile('templates', 'include', 'filter', 'filter.h');

/** The function that a program of one's own calls. */
const NAME = 'xcap_match';

const HEAD = `/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A packet filter, by xcap filter --emit c: the predicate that xcap puts into its BPF programs, what
 * it relies on, and at the end a function to call it by:
 *
 *	int ${NAME}(const unsigned char *bytes, unsigned captured, unsigned wire);
 *
 * returns 1 when a packet matches and 0 when it does not. bytes are the first captured bytes of the
 * packet, from the header of the link type on that the filter was compiled for, at any alignment;
 * nothing behind them is touched. wire is the packet's length on the wire, which is what len,
 * greater and less mean. It keeps no state and allocates nothing: any thread may call it.
 *
 * Compiles by itself with GCC and Clang: cc -O2 -c FILE.c
 */
#include <stdint.h>
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wpedantic"

#define asm __asm__
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* The way to packet memory: a fetch may ask for more than was captured. */
struct xcap_pkt;
static inline int xcap_copy(const struct xcap_pkt *p, void *to, u32 size, const void *from);
#define XCAP_FETCH(to, size, from) xcap_copy(p, to, size, from)
`;

/** A complete C file with a filter and a function that asks it: its first lines tell. */
export function nativeUnit(filter: CompiledFilter): string {
  const header = readFileSync(FILTER_H, 'utf8');
  return [HEAD, header, filter.text, tail(filter)].join('\n');
}

const tail = ({ symbol, windowBytes }: CompiledFilter): string => `
/* What was not captured has no say in the result: zeros will do. */
static inline int xcap_copy(const struct xcap_pkt *p, void *to, u32 size, const void *from)
{
	u32 offset = (u32)((const u8 *)from - (const u8 *)p->start);
	u32 there = offset < p->linear ? p->linear - offset : 0;

	if (there >= size) {
		memcpy(to, from, size);
		return 0;
	}
	if (there > 0)
		memcpy(to, from, there);
	memset((u8 *)to + there, 0, size - there);
	return 0;
}

int ${NAME}(const unsigned char *bytes, unsigned captured, unsigned wire);

int ${NAME}(const unsigned char *bytes, unsigned captured, unsigned wire)
{
	struct xcap_pkt p = { .start = bytes, .linear = captured, .wire_len = wire };
	u64 w[${Math.max(1, windowBytes / 8)}];

	return ${symbol}(&p, (u8 *)w) != 0;
}

#undef asm
#pragma GCC diagnostic pop
`;
