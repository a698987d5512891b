// SPDX-License-Identifier: MIT
/*
 * socket-traffic NETNS LOCAL REMOTE PORT BYTES [stall]
 *
 * One process with both ends: receivers in the namespace NETNS at REMOTE and PORT, senders here at
 * LOCAL and PORT + 1. A TCP connection with one write of BYTES is opened and closed; then come a
 * datagram of BYTES by sendto(2), and one more byte by a connected socket. With stall the
 * connection is opened, a line is awaited, BYTES are written and 700 ms go by: no more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "socket-traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void enter(const char *path)
{
	int fd = open(path, O_RDONLY);

	check(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, path);
	close(fd);
}

struct end {
	struct sockaddr_storage address;
	socklen_t length;
};

static struct end end_of(const char *host, int port)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
	struct end end;
	char text[16];

	snprintf(text, sizeof(text), "%d", port);
	check(getaddrinfo(host, text, &hints, &found) == 0, host);
	memcpy(&end.address, found->ai_addr, found->ai_addrlen);
	end.length = found->ai_addrlen;
	freeaddrinfo(found);
	return end;
}

static int bound(int type, const struct end *at)
{
	int one = 1, traffic_class = 0x28, fd = socket(at->address.ss_family, type, 0);

	check(fd >= 0, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* Such as an application might ask for. */
	if (at->address.ss_family == AF_INET6)
		check(setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class,
				 sizeof(traffic_class)) == 0,
		      "traffic class");
	else
		check(setsockopt(fd, IPPROTO_IP, IP_TOS, &traffic_class, sizeof(traffic_class)) ==
			      0,
		      "type of service");
	check(bind(fd, (const struct sockaddr *)&at->address, at->length) == 0, "bind");
	return fd;
}

static void receive(int fd, size_t bytes)
{
	static char buffer[1 << 20];

	while (bytes > 0) {
		ssize_t got = recv(fd, buffer, bytes, 0);

		check(got > 0, "recv");
		bytes -= got;
	}
}

int main(int argc, char **argv)
{
	check(argc >= 6, "usage");
	int port = atoi(argv[4]);
	size_t bytes = atoi(argv[5]);
	int stall = argc > 6;
	struct end local = end_of(argv[2], port + 1), remote = end_of(argv[3], port);
	const struct sockaddr *to = (const struct sockaddr *)&remote.address;
	char *payload = malloc(bytes + 1);

	int own = open("/proc/self/ns/net", O_RDONLY);
	enter(argv[1]);
	int listener = bound(SOCK_STREAM, &remote), receiver = bound(SOCK_DGRAM, &remote);
	check(listen(listener, 1) == 0, "listen");
	check(setns(own, CLONE_NEWNET) == 0, "setns");

	int stream = bound(SOCK_STREAM, &local);
	check(connect(stream, to, remote.length) == 0, "connect");
	int accepted = accept(listener, NULL, NULL);
	check(accepted >= 0, "accept");
	memset(payload, 'T', bytes);
	if (stall) {
		printf("connected\n");
		fflush(stdout);
		check(getchar() != EOF, "waiting");
		/* Without a route it fails. */
		if (send(stream, payload, bytes, 0) < 0)
			perror("socket-traffic: send");
		usleep(700000);
		return 0;
	}
	check(send(stream, payload, bytes, 0) == (ssize_t)bytes, "send");
	receive(accepted, bytes);
	close(stream);
	check(recv(accepted, payload, 1, 0) == 0, "the end of the stream");
	close(accepted);

	int datagrams = bound(SOCK_DGRAM, &local);
	memset(payload, 'U', bytes + 1);
	check(sendto(datagrams, payload, bytes, 0, to, remote.length) == (ssize_t)bytes, "sendto");
	receive(receiver, bytes);
	check(connect(datagrams, to, remote.length) == 0, "connect");
	check(send(datagrams, payload, bytes + 1, 0) == (ssize_t)bytes + 1, "send");
	receive(receiver, bytes + 1);
	return 0;
}
