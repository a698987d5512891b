// SPDX-License-Identifier: MIT
/*
 * send-frames DEVICE [COUNT [GAP_US]] < FRAMES
 *
 * Sends the frames of standard input, one a line in hexadecimal from the link header on, COUNT
 * times over (1), GAP_US microseconds apart (0), through a packet socket (packet(7)). Prints how
 * many frames the kernel took.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FRAME 65536

struct frame {
	struct frame *next;
	size_t size;
	unsigned char bytes[];
};

static void fail(const char *what)
{
	fprintf(stderr, "send-frames: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The frame of a line, or NULL when the line is empty. */
static struct frame *parse(const char *line)
{
	static unsigned char bytes[MAX_FRAME];
	size_t size = 0;

	for (;;) {
		while (isspace((unsigned char)*line))
			line++;
		if (!*line)
			break;
		int high = nibble(line[0]);
		int low = high < 0 ? -1 : nibble(line[1]);
		if (low < 0 || size == MAX_FRAME) {
			errno = EINVAL;
			fail("reading a frame");
		}
		bytes[size++] = high << 4 | low;
		line += 2;
	}
	if (!size)
		return NULL;
	struct frame *frame = malloc(sizeof(*frame) + size);
	if (!frame)
		fail("reading a frame");
	frame->next = NULL;
	frame->size = size;
	memcpy(frame->bytes, bytes, size);
	return frame;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: send-frames DEVICE [COUNT [GAP_US]] < FRAMES\n");
		return 1;
	}
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	useconds_t gap = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	struct frame *first = NULL, **end = &first;
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) >= 0) {
		*end = parse(line);
		if (*end)
			end = &(*end)->next;
	}
	free(line);

	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(argv[1]),
	};
	if (!to.sll_ifindex)
		fail(argv[1]);
	/* Protocol 0: a socket that only sends, and is not given every packet of the device
	 * meanwhile. */
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0)
		fail("opening a packet socket");

	unsigned long sent = 0;
	for (unsigned long i = 0; i < count; i++) {
		for (struct frame *f = first; f; f = f->next) {
			/* skb->protocol is what the frame says; Ethernet's type is at 12. */
			if (f->size >= ETH_HLEN)
				memcpy(&to.sll_protocol, f->bytes + 12, 2);
			while (sendto(fd, f->bytes, f->size, 0, (struct sockaddr *)&to,
				      sizeof(to)) < 0) {
				if (errno != ENOBUFS)
					fail("sending a frame");
				usleep(100);
			}
			sent++;
			if (gap)
				usleep(gap);
		}
	}
	printf("%lu\n", sent);
	return 0;
}
