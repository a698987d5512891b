// SPDX-License-Identifier: MIT
/*
 * send-stream write|sendfile|zerocopy|segments ADDRESS PORT FILE
 *
 * Sends the file: by TCP in one write(), by sendfile() or with MSG_ZEROCOPY;
 * or by UDP with UDP_SEGMENT, in datagrams of 1,000 bytes. Prints how many bytes the kernel took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static void fail(const char *what)
{
	fprintf(stderr, "send-stream: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void enable(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		fail("setting an option");
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: send-stream KIND ADDRESS PORT FILE\n");
		return 1;
	}
	const char *how = argv[1];
	int datagrams = !strcmp(how, "segments");
	struct addrinfo hints = {
		.ai_socktype = datagrams ? SOCK_DGRAM : SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *to;
	int error = getaddrinfo(argv[2], argv[3], &hints, &to);
	if (error) {
		fprintf(stderr, "send-stream: %s: %s\n", argv[2], gai_strerror(error));
		return 1;
	}
	struct stat file;
	int from = open(argv[4], O_RDONLY);
	if (from < 0 || fstat(from, &file) < 0)
		fail(argv[4]);
	size_t size = file.st_size, sent = 0;
	char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, from, 0);
	if (bytes == MAP_FAILED)
		fail("mapping the file");
	int fd = socket(to->ai_family, to->ai_socktype, 0);
	if (fd < 0)
		fail("opening a socket");
	if (datagrams)
		enable(fd, IPPROTO_UDP, UDP_SEGMENT, 1000);
	int zerocopy = !strcmp(how, "zerocopy");
	if (zerocopy)
		enable(fd, SOL_SOCKET, SO_ZEROCOPY, 1);
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0)
		fail("connecting");
	while (sent < size) {
		ssize_t taken;
		off_t at = sent;

		if (!strcmp(how, "sendfile"))
			taken = sendfile(fd, from, &at, size - sent);
		else
			taken = send(fd, bytes + sent, size - sent, zerocopy ? MSG_ZEROCOPY : 0);
		if (taken < 0)
			fail("sending");
		sent += taken;
	}
	shutdown(fd, SHUT_WR);
	/* The other end closes when it has all. */
	char rest[1];
	struct pollfd closed = {.fd = fd, .events = POLLIN};
	while (!datagrams && poll(&closed, 1, 5000) > 0 && !(closed.revents & (POLLIN | POLLHUP)))
		recvmsg(fd, &(struct msghdr){.msg_control = rest, .msg_controllen = 0},
			MSG_ERRQUEUE);
	freeaddrinfo(to);
	printf("%zu\n", sent);
	return 0;
}
