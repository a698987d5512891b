// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * filtered-socket PORT: a UDP socket over IPv4 whose filter lets nothing through. Prints "ready
 * INODE" and ends with its standard input.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &nothing};
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct stat stat;
	char byte;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc != 2)
		return 2;
	at.sin_port = htons(atoi(argv[1]));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ||
	    fstat(fd, &stat)) {
		perror("filtered-socket");
		return 1;
	}
	printf("ready %lu\n", stat.st_ino);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
