// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * xdp-program DEVICE MODE NAME [OPTION...]: an XDP program on a device, for as long as this runs.
 *
 * MODE is native or generic. Options: nobtf (no types), frags (takes packets of several buffers),
 * redirect=IFINDEX and devmap=IFINDEX (where a redirected packet goes), cpumap (to CPU 0). The
 * packet says what becomes of it: byte 42, the first of a datagram over IPv4, is the verdict; where
 * byte 43 is not 0, byte 44 becomes 0x5a. Prints "ready ID"; on a line "replace [OPTION...]" puts a
 * new program in the place of the old one and prints "ready ID" again. Ends with its standard
 * input.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VERDICT_AT 42
#define CHANGE_AT  43
#define CHANGED_AT 44
#define NEW_VALUE  0x5a

/* linux/bpf.h of the headers may be older. */
#define HAS_FRAGS (1u << 5)
#define TYPE_XDP  37

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static struct bpf_insn insn(int code, int dst, int src, int off, int imm)
{
	return (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm};
}

#define LOAD(size, dst, src, off) insn(BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define MOVE(dst, src)		  insn(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(dst, imm)		  insn(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define CALL(number)		  insn(BPF_JMP | BPF_CALL, 0, 0, 0, number)
#define EXIT			  insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

struct options {
	int btf, frags, redirect, map, device;
};

/* int NAME(struct xdp_md *ctx) */
static int load_types(const char *name)
{
	struct {
		struct btf_header header;
		uint32_t types[64];
		char strings[128];
	} blob = {};
	uint32_t *at = blob.types;
	union bpf_attr attr = {};
	char *end = blob.strings + 1;
	long fd;

#define STRING(text)                                                                               \
	(end = stpcpy(end, text) + 1, (uint32_t)(end - blob.strings - strlen(text) - 1))
#define TYPE(name, kind, count, size)                                                              \
	(*at++ = (name), *at++ = (uint32_t)(kind) << 24 | (count), *at++ = (size))
	TYPE(STRING("int"), BTF_KIND_INT, 0, 4); /* 1 */
	*at++ = BTF_INT_SIGNED << 24 | 32;
	TYPE(STRING("xdp_md"), BTF_KIND_STRUCT, 0, 24); /* 2 */
	TYPE(0, BTF_KIND_PTR, 0, 2);			/* 3 */
	TYPE(0, BTF_KIND_FUNC_PROTO, 1, 1);		/* 4 */
	*at++ = STRING("ctx");
	*at++ = 3;
	TYPE(STRING(name), BTF_KIND_FUNC, BTF_FUNC_GLOBAL, 4); /* 5 */
	blob.header = (struct btf_header){
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(blob.header),
		.type_len = (char *)at - (char *)blob.types,
		.str_off = (char *)at - (char *)blob.types,
		.str_len = end - blob.strings,
	};
	/* Nothing may lie between types and strings. */
	memmove(at, blob.strings, blob.header.str_len);
	attr.btf = (uint64_t)&blob;
	attr.btf_size = sizeof(blob.header) + blob.header.str_off + blob.header.str_len;
	fd = bpf(BPF_BTF_LOAD, &attr);
	if (fd < 0)
		fail("BPF_BTF_LOAD");
	return fd;
}

static int create_map(int type, uint32_t key, uint32_t value)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = 4, .value_size = 4, .max_entries = key + 1};
	long fd = bpf(BPF_MAP_CREATE, &attr);

	if (fd < 0)
		fail("BPF_MAP_CREATE");
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = (uint64_t)&key;
	attr.value = (uint64_t)&value;
	if (bpf(BPF_MAP_UPDATE_ELEM, &attr) < 0)
		fail("BPF_MAP_UPDATE_ELEM");
	return fd;
}

/* Of a device map any; of a CPU map the CPU. */
#define DEVICE_ENTRY 3
#define CPU_ENTRY    0

static int load_program(const char *name, const struct options *options)
{
	struct bpf_insn program[64], *at = program;
	struct bpf_func_info function = {.insn_off = 0, .type_id = 5};
	static char log[65536];
	union bpf_attr attr = {};
	long fd;

	*at++ = LOAD(BPF_W, 2, 1, 0); /* data, data_end */
	*at++ = LOAD(BPF_W, 3, 1, 4);
	*at++ = MOVE(4, 2);
	*at++ = insn(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, CHANGED_AT + 1);
	*at++ = insn(BPF_JMP | BPF_JLE | BPF_X, 4, 3, 2, 0);
	*at++ = SET(0, XDP_PASS);
	*at++ = EXIT;
	*at++ = LOAD(BPF_B, 5, 2, CHANGE_AT);
	*at++ = insn(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 1, 0);
	*at++ = insn(BPF_ST | BPF_MEM | BPF_B, 2, 0, CHANGED_AT, NEW_VALUE);
	*at++ = LOAD(BPF_B, 0, 2, VERDICT_AT);
	*at++ = insn(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, XDP_REDIRECT);
	*at++ = EXIT;
	if (options->map) {
		int cpus = options->map == BPF_MAP_TYPE_CPUMAP;
		int entry = cpus ? CPU_ENTRY : DEVICE_ENTRY;
		int map = create_map(options->map, entry, cpus ? 192 : options->device);

		*at++ = insn(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map);
		*at++ = insn(0, 0, 0, 0, 0);
		*at++ = SET(2, entry);
		*at++ = SET(3, 0);
		*at++ = CALL(BPF_FUNC_redirect_map);
	} else {
		*at++ = SET(1, options->redirect);
		*at++ = SET(2, 0);
		*at++ = CALL(BPF_FUNC_redirect);
	}
	*at++ = EXIT;
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.expected_attach_type = TYPE_XDP;
	attr.prog_flags = options->frags ? HAS_FRAGS : 0;
	attr.insns = (uint64_t)program;
	attr.insn_cnt = at - program;
	attr.license = (uint64_t) "Dual MIT/GPL";
	strncpy(attr.prog_name, name, sizeof(attr.prog_name) - 1);
	if (options->btf) {
		attr.prog_btf_fd = load_types(name);
		attr.func_info_rec_size = sizeof(function);
		attr.func_info = (uint64_t)&function;
		attr.func_info_cnt = 1;
	}
	attr.log_buf = (uint64_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	fd = bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0) {
		fprintf(stderr, "%s\n", log);
		fail("BPF_PROG_LOAD");
	}
	return fd;
}

static void tell(int program)
{
	struct bpf_prog_info info = {};
	union bpf_attr attr = {.info.bpf_fd = program,
			       .info.info_len = sizeof(info),
			       .info.info = (uint64_t)&info};

	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		fail("BPF_OBJ_GET_INFO_BY_FD");
	printf("ready %u\n", info.id);
	fflush(stdout);
}

static void parse(struct options *options, const char *word)
{
	if (!strcmp(word, "nobtf"))
		options->btf = 0;
	else if (!strcmp(word, "btf"))
		options->btf = 1;
	else if (!strcmp(word, "frags"))
		options->frags = 1;
	else if (!strncmp(word, "redirect=", 9))
		options->redirect = atoi(word + 9);
	else if (!strncmp(word, "devmap=", 7))
		options->map = BPF_MAP_TYPE_DEVMAP, options->device = atoi(word + 7);
	else if (!strcmp(word, "cpumap"))
		options->map = BPF_MAP_TYPE_CPUMAP;
	else
		exit(2);
}

int main(int argc, char **argv)
{
	struct options options = {.btf = 1};
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	union bpf_attr attr = {};
	int program, link;
	char line[256];

	if (argc < 4)
		return 2;
	for (int i = 4; i < argc; i++)
		parse(&options, argv[i]);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	program = load_program(argv[3], &options);
	attr.link_create.prog_fd = program;
	attr.link_create.target_ifindex = if_nametoindex(argv[1]);
	attr.link_create.attach_type = TYPE_XDP;
	attr.link_create.flags =
		!strcmp(argv[2], "native") ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	link = bpf(BPF_LINK_CREATE, &attr);
	if (link < 0)
		fail("BPF_LINK_CREATE");
	tell(program);
	while (fgets(line, sizeof(line), stdin)) {
		char *word = strtok(line, " \n");

		while ((word = strtok(NULL, " \n")))
			parse(&options, word);
		close(program);
		program = load_program(argv[3], &options);
		memset(&attr, 0, sizeof(attr));
		attr.link_update.link_fd = link;
		attr.link_update.new_prog_fd = program;
		if (bpf(BPF_LINK_UPDATE, &attr) < 0)
			fail("BPF_LINK_UPDATE");
		tell(program);
	}
	return 0;
}
