// SPDX-License-Identifier: MIT
/*
 * af-xdp send DEVICE COUNT copy|zero-copy [BATCH [shared]] < FRAME
 * af-xdp receive DEVICE COUNT generic|native|zero-copy
 *
 * Sends the frame of standard input, in hexadecimal, COUNT times through an AF_XDP socket, BATCH of
 * them (1) at a time, or receives COUNT frames on queue 0 through one, by an XDP program that hands
 * it all that comes (Documentation/networking/af_xdp.rst). The receiver prints "ready" when it is
 * attached, then each frame in hexadecimal, and "end" after COUNT frames or five idle seconds,
 * thirty before the first; it ends with its standard input. The sender prints how many frames the
 * kernel completed; "shared" is a second socket that sends from the same memory and has nothing to
 * send. The status is 3 where the device does not bind in zero copy.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

#define CHUNKS	     64u /* of each kind: half of the memory is for sending, half for receiving */
#define CHUNK_BYTES  4096u
#define IDLE_MS	     5000
#define FIRST_MS     30000 /* an emulated machine can take its time to send */
#define NO_ZERO_COPY 3

struct ring {
	uint32_t *producer;
	uint32_t *consumer;
	void *entries;
};

static void fail(const char *what)
{
	fprintf(stderr, "af-xdp: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int bpf(int command, union bpf_attr *attr, const char *what)
{
	int result = syscall(__NR_bpf, command, attr, sizeof(*attr));

	if (result < 0)
		fail(what);
	return result;
}

static void set_option(int socket, int name, const void *value, socklen_t size)
{
	if (setsockopt(socket, SOL_XDP, name, value, size))
		fail("setsockopt");
}

static struct ring map_ring(int socket, const struct xdp_ring_offset *at, size_t entry, off_t page)
{
	char *memory = mmap(NULL, at->desc + CHUNKS * entry, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_POPULATE, socket, page);

	if (memory == MAP_FAILED)
		fail("mapping a ring");
	return (struct ring){
		.producer = (uint32_t *)(memory + at->producer),
		.consumer = (uint32_t *)(memory + at->consumer),
		.entries = memory + at->desc,
	};
}

/* A packet socket's frame: hexadecimal digits, the rest of the line ignored. */
static size_t read_frame(unsigned char *bytes)
{
	size_t size = 0;
	unsigned int byte;

	while (size < CHUNK_BYTES && scanf("%2x", &byte) == 1)
		bytes[size++] = byte;
	return size;
}

static int open_socket(unsigned char **memory, struct xdp_mmap_offsets *offsets)
{
	const uint32_t entries = CHUNKS;
	struct xdp_umem_reg umem = {.len = 2ull * CHUNKS * CHUNK_BYTES, .chunk_size = CHUNK_BYTES};
	socklen_t size = sizeof(*offsets);
	int s = socket(AF_XDP, SOCK_RAW, 0);

	if (s < 0)
		fail("socket");
	*memory = mmap(NULL, umem.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*memory == MAP_FAILED)
		fail("mapping memory");
	umem.addr = (uintptr_t)*memory;
	set_option(s, XDP_UMEM_REG, &umem, sizeof(umem));
	set_option(s, XDP_UMEM_FILL_RING, &entries, sizeof(entries));
	set_option(s, XDP_UMEM_COMPLETION_RING, &entries, sizeof(entries));
	set_option(s, XDP_RX_RING, &entries, sizeof(entries));
	set_option(s, XDP_TX_RING, &entries, sizeof(entries));
	if (getsockopt(s, SOL_XDP, XDP_MMAP_OFFSETS, offsets, &size))
		fail("getsockopt");
	return s;
}

/* The rings are mapped by then: 5.10 and 6.1 refuse that to a bound socket. */
static void bind_socket(int s, const char *device, uint16_t flag)
{
	struct sockaddr_xdp address = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = flag,
		.sxdp_ifindex = if_nametoindex(device),
	};

	if (bind(s, (struct sockaddr *)&address, sizeof(address)) == 0)
		return;
	if (flag == XDP_ZEROCOPY) {
		fprintf(stderr, "af-xdp: %s: no zero copy: %s\n", device, strerror(errno));
		exit(NO_ZERO_COPY);
	}
	fail(device);
}

/* Drivers get descriptors one by one where several sockets can have some. */
static void share(int s, const char *device)
{
	const uint32_t entries = CHUNKS;
	int other = socket(AF_XDP, SOCK_RAW, 0);
	struct sockaddr_xdp address = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_SHARED_UMEM,
		.sxdp_ifindex = if_nametoindex(device),
		.sxdp_shared_umem_fd = s,
	};

	if (other < 0)
		fail("socket");
	set_option(other, XDP_TX_RING, &entries, sizeof(entries));
	if (bind(other, (struct sockaddr *)&address, sizeof(address)))
		fail("sharing the memory");
}

static int send_all(const char *device, uint32_t count, uint16_t flag, uint32_t batch, int shared)
{
	struct xdp_mmap_offsets offsets;
	unsigned char *memory, frame[CHUNK_BYTES];
	size_t size = read_frame(frame);
	int s = open_socket(&memory, &offsets);
	struct ring tx = map_ring(s, &offsets.tx, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING);
	struct ring done =
		map_ring(s, &offsets.cr, sizeof(uint64_t), XDP_UMEM_PGOFF_COMPLETION_RING);

	bind_socket(s, device, flag);
	if (shared)
		share(s, device);
	for (uint32_t sent = 0; sent < count;) {
		uint32_t end = count - sent < batch ? count : sent + batch;

		for (; sent < end; sent++) {
			struct xdp_desc *desc = (struct xdp_desc *)tx.entries + sent % CHUNKS;

			desc->addr = (uint64_t)(sent % CHUNKS) * CHUNK_BYTES;
			desc->len = size;
			desc->options = 0;
			memcpy(memory + desc->addr, frame, size);
		}
		__atomic_store_n(tx.producer, sent, __ATOMIC_RELEASE);
		if (sendto(s, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN &&
		    errno != EBUSY)
			fail("sendto");
		/* Completed when the skb is freed: by the receiver, a moment later. */
		for (int wait = 0; wait < 1000; wait++) {
			if (__atomic_load_n(done.producer, __ATOMIC_ACQUIRE) >= sent)
				break;
			usleep(1000);
			/* A driver looks at its completions when it is woken. */
			if (flag == XDP_ZEROCOPY)
				sendto(s, NULL, 0, MSG_DONTWAIT, NULL, 0);
		}
		__atomic_store_n(done.consumer, *done.producer, __ATOMIC_RELEASE);
	}
	printf("%u\n", *done.producer);
	return 0;
}

/* return bpf_redirect_map(&map, ctx->rx_queue_index, XDP_PASS); */
static int load_program(int map)
{
	struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_W,
		 .dst_reg = 2,
		 .src_reg = 1,
		 .off = offsetof(struct xdp_md, rx_queue_index)},
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)insns,
		.insn_cnt = sizeof(insns) / sizeof(*insns),
		.license = (uintptr_t) "GPL",
		.prog_name = "af_xdp_redirect",
	};

	return bpf(BPF_PROG_LOAD, &attr, "loading a program");
}

static int receive_all(const char *device, uint32_t count, uint32_t mode, uint16_t flag)
{
	union bpf_attr create = {
		.map_type = BPF_MAP_TYPE_XSKMAP,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};
	struct xdp_mmap_offsets offsets;
	unsigned char *memory;
	int s = open_socket(&memory, &offsets);
	struct ring fill = map_ring(s, &offsets.fr, sizeof(uint64_t), XDP_UMEM_PGOFF_FILL_RING);
	struct ring rx = map_ring(s, &offsets.rx, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
	int map = bpf(BPF_MAP_CREATE, &create, "creating a map");
	uint32_t key = 0, taken = 0;
	union bpf_attr put = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&s,
	};
	union bpf_attr link = {
		.link_create =
			{
				.prog_fd = load_program(map),
				.target_ifindex = if_nametoindex(device),
				.attach_type = BPF_XDP,
				.flags = mode,
			},
	};
	struct pollfd readable = {.fd = s, .events = POLLIN};

	/* A driver takes memory when the socket is bound. */
	for (uint32_t i = 0; i < CHUNKS; i++)
		((uint64_t *)fill.entries)[i] = (uint64_t)(CHUNKS + i) * CHUNK_BYTES;
	__atomic_store_n(fill.producer, CHUNKS, __ATOMIC_RELEASE);
	bind_socket(s, device, flag);
	bpf(BPF_MAP_UPDATE_ELEM, &put, "entering the socket");
	bpf(BPF_LINK_CREATE, &link, "attaching the program");
	puts("ready");
	fflush(stdout);
	while (taken < count && poll(&readable, 1, taken ? IDLE_MS : FIRST_MS) > 0) {
		uint32_t end = __atomic_load_n(rx.producer, __ATOMIC_ACQUIRE);

		for (; taken != end; taken++) {
			struct xdp_desc *desc = (struct xdp_desc *)rx.entries + taken % CHUNKS;
			uint32_t next = *fill.producer;

			for (uint32_t i = 0; i < desc->len; i++)
				printf("%02x", memory[desc->addr + i]);
			putchar('\n');
			((uint64_t *)fill.entries)[next % CHUNKS] =
				desc->addr / CHUNK_BYTES * CHUNK_BYTES;
			__atomic_store_n(fill.producer, next + 1, __ATOMIC_RELEASE);
		}
		__atomic_store_n(rx.consumer, taken, __ATOMIC_RELEASE);
	}
	/* Whoever is still to look at this process finds it. */
	puts("end");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

static uint16_t copy_flag(const char *mode)
{
	return strcmp(mode, "zero-copy") == 0 ? XDP_ZEROCOPY : XDP_COPY;
}

int main(int argc, char **argv)
{
	if (argc >= 5 && argc <= 7 && strcmp(argv[1], "send") == 0)
		return send_all(argv[2], atoi(argv[3]), copy_flag(argv[4]),
				argc > 5 ? atoi(argv[5]) : 1, argc > 6);
	if (argc == 5 && strcmp(argv[1], "receive") == 0) {
		int generic = strcmp(argv[4], "generic") == 0;

		return receive_all(argv[2], atoi(argv[3]),
				   generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE,
				   copy_flag(argv[4]));
	}
	fputs("usage: af-xdp send DEVICE COUNT copy|zero-copy [BATCH [shared]] | af-xdp receive "
	      "DEVICE "
	      "COUNT "
	      "generic|native|zero-copy\n",
	      stderr);
	return 2;
}
