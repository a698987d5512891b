// SPDX-License-Identifier: MIT
/*
 * send-datagrams ADDRESS PORT COUNT GAP_US [SOURCE_PORT] < PAYLOAD
 *
 * Sends COUNT UDP datagrams, each with all of standard input as its payload, GAP_US microseconds
 * apart. ADDRESS is IPv4 or IPv6. Prints how many the kernel took; an error that an earlier
 * datagram met (ECONNREFUSED, EPERM of a rule) is none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what)
{
	fprintf(stderr, "send-datagrams: %s: %s\n", what, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	static char payload[65536];
	struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *to;

	if (argc < 5) {
		fprintf(stderr, "usage: send-datagrams ADDRESS PORT COUNT GAP_US [SOURCE_PORT] "
				"< PAYLOAD\n");
		return 1;
	}
	int error = getaddrinfo(argv[1], argv[2], &hints, &to);
	if (error) {
		fprintf(stderr, "send-datagrams: %s: %s\n", argv[1], gai_strerror(error));
		return 1;
	}
	unsigned long count = strtoul(argv[3], NULL, 10), sent = 0;
	useconds_t gap = strtoul(argv[4], NULL, 10);
	size_t size = fread(payload, 1, sizeof(payload), stdin);
	int fd = socket(to->ai_family, SOCK_DGRAM, 0);

	if (fd < 0)
		fail("opening a socket");
	if (argc > 5) {
		hints.ai_family = to->ai_family;
		hints.ai_flags |= AI_PASSIVE;
		struct addrinfo *from;
		if (getaddrinfo(NULL, argv[5], &hints, &from) ||
		    bind(fd, from->ai_addr, from->ai_addrlen) < 0)
			fail(argv[5]);
		freeaddrinfo(from);
	}
	for (unsigned long i = 0; i < count; i++) {
		if (sendto(fd, payload, size, 0, to->ai_addr, to->ai_addrlen) < 0 && errno != EPERM)
			fail("sending a datagram");
		sent++;
		if (gap)
			usleep(gap);
	}
	freeaddrinfo(to);
	printf("%lu\n", sent);
	return 0;
}
