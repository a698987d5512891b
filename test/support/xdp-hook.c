// SPDX-License-Identifier: MIT
/*
 * xdp-hook DEVICE generic|native PIN [OPTION...]
 *
 * Runs an XDP program on the device that takes its verdict from the last three bits of the
 * destination port of UDP over IPv4 (7000 + 8 n + action, for one), passes everything else, and
 * calls into a hook map that it pins at PIN. Prints "ready" when it is attached, and ends with its
 * standard input.
 *
 * Options: typed, as libbpf loads it, with an attach type; frags, for packets of several buffers;
 * entries=N of the map, 5 unless given; map=TYPE, to pin another type and run nothing; unused, to
 * pin a map that no program uses; foreign=ENTRY, to put a program there that is not xcap's.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HAS_FRAGS 32 /* BPF_F_XDP_HAS_FRAGS, newer than some headers */

static char log_text[1 << 16];

static int bpf(int command, union bpf_attr *attr, const char *what)
{
	int result = syscall(__NR_bpf, command, attr, sizeof(*attr));

	if (result < 0) {
		fprintf(stderr, "xdp-hook: %s: %s\n%s", what, strerror(errno), log_text);
		exit(1);
	}
	return result;
}

static int load(const struct bpf_insn *insns, uint32_t count, const char *name, uint32_t type,
		uint32_t flags)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)insns,
		.insn_cnt = count,
		.license = (uintptr_t) "GPL",
		.expected_attach_type = type,
		.prog_flags = flags,
		.log_buf = (uintptr_t)log_text,
		.log_size = sizeof(log_text),
		.log_level = 1,
	};

	strncpy(attr.prog_name, name, sizeof(attr.prog_name) - 1);
	return bpf(BPF_PROG_LOAD, &attr, "loading a program");
}

#define LOAD(insns, ...) load(insns, sizeof(insns) / sizeof(*(insns)), __VA_ARGS__)

#define LDX(size, to, from, offset)                                                                \
	{                                                                                          \
		.code = BPF_LDX | BPF_MEM | (size), .dst_reg = to, .src_reg = from, .off = offset  \
	}
#define MOV(to, from)                                                                              \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = to, .src_reg = from                \
	}
#define OP(operation, to, value)                                                                   \
	{                                                                                          \
		.code = BPF_ALU64 | (operation) | BPF_K, .dst_reg = to, .imm = value               \
	}
#define SKIP_UNLESS(reg, value, count)                                                             \
	{                                                                                          \
		.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = reg, .imm = value, .off = count      \
	}
#define CALL(function)                                                                             \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = function                                        \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}

#define ETHERTYPE_AT 12
#define PROTOCOL_AT  23
#define PORT_LOW_AT  37

int main(int argc, char **argv)
{
	union bpf_attr create = {
		.map_type = BPF_MAP_TYPE_PROG_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 5,
	};
	struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
	uint32_t type = 0, flags = 0;
	int unused = 0, foreign = -1;

	if (argc < 4) {
		fputs("usage: xdp-hook DEVICE generic|native PIN [OPTION...]\n", stderr);
		return 2;
	}
	for (int i = 4; i < argc; i++) {
		if (strcmp(argv[i], "typed") == 0)
			type = BPF_XDP;
		else if (strcmp(argv[i], "frags") == 0)
			flags = HAS_FRAGS;
		else if (strcmp(argv[i], "unused") == 0)
			unused = 1;
		else if (sscanf(argv[i], "entries=%u", &create.max_entries) != 1 &&
			 sscanf(argv[i], "map=%u", &create.map_type) != 1 &&
			 sscanf(argv[i], "foreign=%d", &foreign) != 1)
			return 2;
	}
	setrlimit(RLIMIT_MEMLOCK, &no_limit);
	int map = bpf(BPF_MAP_CREATE, &create, "creating a map");
	union bpf_attr pin = {.pathname = (uintptr_t)argv[3], .bpf_fd = map};

	bpf(BPF_OBJ_PIN, &pin, "pinning the map");
	if (create.map_type == BPF_MAP_TYPE_PROG_ARRAY && !unused) {
		struct bpf_insn hook[] = {
			MOV(6, 1),
			OP(BPF_MOV, 7, XDP_PASS),
			LDX(BPF_W, 2, 1, offsetof(struct xdp_md, data)),
			LDX(BPF_W, 3, 1, offsetof(struct xdp_md, data_end)),
			MOV(4, 2),
			OP(BPF_ADD, 4, PORT_LOW_AT + 1),
			{.code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = 4, .src_reg = 3, .off = 6},
			LDX(BPF_H, 5, 2, ETHERTYPE_AT),
			SKIP_UNLESS(5, 0x0008, 4),
			LDX(BPF_B, 5, 2, PROTOCOL_AT),
			SKIP_UNLESS(5, 17, 2),
			LDX(BPF_B, 7, 2, PORT_LOW_AT),
			OP(BPF_AND, 7, 7),
			MOV(1, 6),
			{.code = BPF_LD | BPF_IMM | BPF_DW,
			 .dst_reg = 2,
			 .src_reg = BPF_PSEUDO_MAP_FD,
			 .imm = map},
			{0},
			MOV(3, 7),
			CALL(BPF_FUNC_tail_call),
			MOV(0, 7),
			EXIT,
		};
		struct bpf_insn pass[] = {OP(BPF_MOV, 0, XDP_PASS), EXIT};
		union bpf_attr link = {
			.link_create =
				{
					.prog_fd = LOAD(hook, "hooked", type, flags),
					.target_ifindex = if_nametoindex(argv[1]),
					.attach_type = BPF_XDP,
					.flags = strcmp(argv[2], "native") == 0
							 ? XDP_FLAGS_DRV_MODE
							 : XDP_FLAGS_SKB_MODE,
				},
		};

		bpf(BPF_LINK_CREATE, &link, "attaching the program");
		if (foreign >= 0) {
			uint32_t program = LOAD(pass, "somebodys", type, flags);
			union bpf_attr put = {
				.map_fd = map,
				.key = (uintptr_t)&foreign,
				.value = (uintptr_t)&program,
			};

			bpf(BPF_MAP_UPDATE_ELEM, &put, "entering a program");
		}
	}
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	unlink(argv[3]);
	return 0;
}
