/* The kernel's own stack: a UDP echo server, one datagram at a time. udp-echo PORT [--spin] */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET }, from;
	int s = socket(AF_INET, SOCK_DGRAM, 0), flags = argc > 2 ? MSG_DONTWAIT : 0;
	char data[2048];

	here.sin_port = htons(argc > 1 ? atoi(argv[1]) : 7);
	if (s < 0 || bind(s, (struct sockaddr *)&here, sizeof(here)) < 0) {
		perror("udp-echo");
		return 1;
	}
	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(s, data, sizeof(data), flags, (struct sockaddr *)&from, &size);

		if (n >= 0)
			sendto(s, data, n, 0, (struct sockaddr *)&from, size);
	}
}
