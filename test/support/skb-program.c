// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * skb-program tc PIN NAME [nobtf]: loads a tc program and pins it, for `tc filter ... object-pinned
 * PIN`. skb-program socket DEVICE NAME [nobtf]: a socket filter on a packet socket of that device.
 * skb-program dissect - NAME: a flow dissector of the network namespace, that returns BPF_OK.
 *
 * The packet says what becomes of it: byte 42, the first of a datagram over IPv4, is what the
 * program returns; where byte 43 is not 0, the tc program changes byte 44 to 0x5a. Shorter packets
 * get 0. Prints "ready ID" and ends with its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VERDICT_AT 42
#define CHANGE_AT  43
#define CHANGED_AT 44
#define NEW_VALUE  0x5a

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

#define MOVE(dst, src) insn(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(dst, imm)  insn(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
/* r0 = that byte of the packet of r6; ends the program with 0 where there is none. */
#define PACKET_BYTE(at) insn(BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, at)

/* int NAME(struct __sk_buff *skb) */
static int load_types(const char *name)
{
	struct {
		struct btf_header header;
		uint32_t types[32];
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
	TYPE(STRING("__sk_buff"), BTF_KIND_STRUCT, 0, 192); /* 2 */
	TYPE(0, BTF_KIND_PTR, 0, 2);			    /* 3 */
	TYPE(0, BTF_KIND_FUNC_PROTO, 1, 1);		    /* 4 */
	*at++ = STRING("skb");
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
	memmove((char *)at, blob.strings, blob.header.str_len);
	attr.btf = (uint64_t)&blob;
	attr.btf_size = sizeof(blob.header) + blob.header.type_len + blob.header.str_len;
	fd = bpf(BPF_BTF_LOAD, &attr);
	if (fd < 0)
		fail("BPF_BTF_LOAD");
	return fd;
}

static int load_program(int type, const char *name, int btf)
{
	struct bpf_insn program[32], *at = program;
	struct bpf_func_info function = {.insn_off = 0, .type_id = 5};
	static char log[65536];
	union bpf_attr attr = {};
	long fd;

	*at++ = MOVE(6, 1);
	if (type == BPF_PROG_TYPE_SCHED_CLS) {
		*at++ = PACKET_BYTE(CHANGE_AT);
		*at++ = insn(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 8, 0);
		*at++ = insn(BPF_ST | BPF_MEM | BPF_B, 10, 0, -8, NEW_VALUE);
		*at++ = MOVE(1, 6);
		*at++ = SET(2, CHANGED_AT);
		*at++ = MOVE(3, 10);
		*at++ = insn(BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -8);
		*at++ = SET(4, 1);
		*at++ = SET(5, 0);
		*at++ = insn(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_skb_store_bytes);
	}
	*at++ = type == BPF_PROG_TYPE_FLOW_DISSECTOR ? SET(0, 0) : PACKET_BYTE(VERDICT_AT);
	*at++ = insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	attr.prog_type = type;
	attr.insns = (uint64_t)program;
	attr.insn_cnt = at - program;
	attr.license = (uint64_t) "Dual MIT/GPL";
	strncpy(attr.prog_name, name, sizeof(attr.prog_name) - 1);
	if (btf) {
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

static void pin(int program, const char *path)
{
	union bpf_attr attr = {.pathname = (uint64_t)path, .bpf_fd = program};

	if (bpf(BPF_OBJ_PIN, &attr) < 0)
		fail("BPF_OBJ_PIN");
}

static void attach_to_socket(int program, const char *device)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_IP),
				 .sll_ifindex = if_nametoindex(device)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) < 0)
		fail("SO_ATTACH_BPF");
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail("bind");
}

static void attach_to_namespace(int program)
{
	union bpf_attr attr = {};

	attr.link_create.prog_fd = program;
	attr.link_create.target_fd = open("/proc/self/ns/net", O_RDONLY);
	attr.link_create.attach_type = BPF_FLOW_DISSECTOR;
	if (bpf(BPF_LINK_CREATE, &attr) < 0)
		fail("BPF_LINK_CREATE");
}

static int type_of(const char *kind)
{
	if (!strcmp(kind, "tc"))
		return BPF_PROG_TYPE_SCHED_CLS;
	return strcmp(kind, "dissect") ? BPF_PROG_TYPE_SOCKET_FILTER : BPF_PROG_TYPE_FLOW_DISSECTOR;
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	struct bpf_prog_info info = {};
	union bpf_attr attr = {};
	int program, type;
	char line[16];

	if (argc < 4)
		return 2;
	type = type_of(argv[1]);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	program = load_program(type, argv[3], argc == 4);
	if (type == BPF_PROG_TYPE_SCHED_CLS)
		pin(program, argv[2]);
	else if (type == BPF_PROG_TYPE_FLOW_DISSECTOR)
		attach_to_namespace(program);
	else
		attach_to_socket(program, argv[2]);
	attr.info.bpf_fd = program;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		fail("BPF_OBJ_GET_INFO_BY_FD");
	printf("ready %u\n", info.id);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
