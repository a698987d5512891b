// SPDX-License-Identifier: MIT
/*
 * send-datagrams ADDRESS PORT COUNT GAP_US [SOURCE_PORT [BATCH]] < PAYLOAD
 *
 * Sends COUNT UDP datagrams, each with all of standard input as its payload, GAP_US microseconds
 * apart. ADDRESS is IPv4 or IPv6. Prints how many the kernel took; an error that an earlier
 * datagram met (ECONNREFUSED, EPERM of a rule) is none. With BATCH prints instead, for each so
 * many of them, a line: the nanoseconds that they took. A SOURCE_PORT of 0 is any.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
	fprintf(stderr, "send-datagrams: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000UL + now.tv_nsec;
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
		fprintf(stderr, "usage: send-datagrams ADDRESS PORT COUNT GAP_US [SOURCE_PORT "
				"[BATCH]] < PAYLOAD\n");
		return 1;
	}
	int error = getaddrinfo(argv[1], argv[2], &hints, &to);
	if (error) {
		fprintf(stderr, "send-datagrams: %s: %s\n", argv[1], gai_strerror(error));
		return 1;
	}
	unsigned long count = strtoul(argv[3], NULL, 10), sent = 0;
	useconds_t gap = strtoul(argv[4], NULL, 10);
	unsigned long batch = argc > 6 ? strtoul(argv[6], NULL, 10) : 0;
	unsigned long *took = batch ? calloc(count / batch + 1, sizeof(*took)) : NULL;
	size_t size = fread(payload, 1, sizeof(payload), stdin);
	int fd = socket(to->ai_family, SOCK_DGRAM, 0);

	if (fd < 0)
		fail("opening a socket");
	if (batch && !took)
		fail("room for the times");
	if (argc > 5) {
		hints.ai_family = to->ai_family;
		hints.ai_flags |= AI_PASSIVE;
		struct addrinfo *from;
		if (getaddrinfo(NULL, argv[5], &hints, &from) ||
		    bind(fd, from->ai_addr, from->ai_addrlen) < 0)
			fail(argv[5]);
		freeaddrinfo(from);
	}
	unsigned long from = batch ? now_ns() : 0;

	for (unsigned long i = 0; i < count; i++) {
		if (sendto(fd, payload, size, 0, to->ai_addr, to->ai_addrlen) < 0 && errno != EPERM)
			fail("sending a datagram");
		sent++;
		if (gap)
			usleep(gap);
		if (batch && sent % batch == 0) {
			unsigned long to_ns = now_ns();
			took[sent / batch - 1] = to_ns - from;
			from = to_ns;
		}
	}
	freeaddrinfo(to);
	if (!batch)
		printf("%lu\n", sent);
	for (unsigned long i = 0; batch && i < sent / batch; i++)
		printf("%lu\n", took[i]);
	return 0;
}
