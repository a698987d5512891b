// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Filters by themselves, on a packet that user space puts into a map: what `xcap filter --read` and
 * --verify run, once for each packet (BPF_PROG_TEST_RUN of a raw tracepoint program, since 5.10).
 * The filter's text and its way to packet memory are those of a capture.
 */
#include "helpers.h"
#include "filter/filter.h"

struct xcap_packet {
	u32 captured;
	u32 wire;
	u64 start;
	u8 bytes[XCAP_PACKET_BYTES];
};

/*
 * A program that returns what its filter returns. The address of the bytes goes through the map:
 * what is read back is a plain number for the verifier, which would follow a pointer into the map
 * and refuse offsets that it cannot bound.
 */
#define XCAP_PREDICATE(program, filter, window)                                                    \
	int program(void *ctx)                                                                     \
	{                                                                                          \
		u32 zero = 0;                                                                      \
		volatile struct xcap_packet *packet = xcap_map_lookup_elem(MAP(0), &zero);         \
		u64 w[(window) / 8];                                                               \
                                                                                                   \
		if (!packet)                                                                       \
			return 0;                                                                  \
		packet->start = (u64)packet->bytes;                                                \
		struct xcap_pkt p = {                                                              \
			.start = (const void *)packet->start,                                      \
			.linear = packet->captured,                                                \
			.wire_len = packet->wire,                                                  \
		};                                                                                 \
		return filter(&p, (u8 *)w);                                                        \
	}

#include "predicate.gen.h"
