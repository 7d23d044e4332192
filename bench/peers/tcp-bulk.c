/*
 * Bulk TCP by the kernel, as client of any server and as a server of its own:
 *
 *     tcp-bulk serve [CONTROL]            port 9 takes all, port 19 sends all it can (RFC 863, 864)
 *     tcp-bulk in|out ADDRESS FLOWS SECONDS [CONTROL]    "in": we send to port 9; "out": we read from port 19
 *
 * CONTROL is a congestion controller of the kernel's, by socket: a namespace may not choose any as its default.
 * The client prints bytes of each flow, counted from when all are connected.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FLOWS_MAX 64
#define BLOCK	  (256 << 10)

static char block[BLOCK];
static const char *control; /* NULL: the kernel's default */

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Accepted sockets inherit it. */
static void set_control(int fd)
{
	if (control != NULL &&
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, strlen(control)) != 0)
		die(control);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 64) != 0)
		die("listen");
	set_control(fd);
	return fd;
}

/* One process, non-blocking sockets, poll: what a plain server does. */
static void serve(void)
{
	struct pollfd fds[FLOWS_MAX + 2] = { { listen_on(9), POLLIN, 0 },
		{ listen_on(19), POLLIN, 0 } };
	unsigned count = 2;

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		if (poll(fds, count, -1) < 0)
			die("poll");
		for (unsigned i = 2; i < count; i++) {
			ssize_t n = 1;

			if (fds[i].revents == 0)
				continue;
			n = (fds[i].events & POLLIN) ? read(fds[i].fd, block, BLOCK)
						     : write(fds[i].fd, block, BLOCK);
			if (n == 0 || (n < 0 && errno != EAGAIN)) {
				close(fds[i].fd);
				fds[i--] = fds[--count];
			}
		}
		for (unsigned i = 0; i < 2; i++) {
			if ((fds[i].revents & POLLIN) == 0 || count == FLOWS_MAX + 2)
				continue;
			fds[count].fd = accept4(fds[i].fd, NULL, NULL, SOCK_NONBLOCK);
			fds[count].events = i == 0 ? POLLIN : POLLOUT;
			fds[count].revents = 0;
			count += fds[count].fd >= 0;
		}
	}
}

static int connect_to(const char *address, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	set_control(fd);
	inet_pton(AF_INET, address, &at.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		die(address);
	return fd;
}

static void run(int is_in, const char *address, unsigned flows, double seconds)
{
	struct pollfd fds[FLOWS_MAX];
	unsigned long long bytes[FLOWS_MAX] = { 0 };
	double start, end;

	for (unsigned i = 0; i < flows; i++)
		fds[i] = (struct pollfd){ connect_to(address, is_in ? 9 : 19),
			is_in ? POLLOUT : POLLIN, 0 };
	start = now();
	do {
		if (poll(fds, flows, 1000) < 0)
			die("poll");
		for (unsigned i = 0; i < flows; i++) {
			ssize_t n;

			if (fds[i].revents == 0)
				continue;
			n = is_in ? send(fds[i].fd, block, BLOCK, MSG_DONTWAIT | MSG_NOSIGNAL)
				  : recv(fds[i].fd, block, BLOCK, MSG_DONTWAIT);
			if (n == 0 || (n < 0 && errno != EAGAIN))
				die("the server ended the stream");
			bytes[i] += n > 0 ? (unsigned long long)n : 0;
		}
		end = now();
	} while (end - start < seconds);
	printf("%.6f", end - start);
	for (unsigned i = 0; i < flows; i++)
		printf(" %llu", bytes[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	bool is_server = argc > 1 && strcmp(argv[1], "serve") == 0;
	int arguments = is_server ? 2 : 5;

	control = argc == arguments + 1 ? argv[arguments] : NULL;
	if (is_server)
		serve();
	if ((argc != 5 && argc != 6) || atoi(argv[3]) < 1 || atoi(argv[3]) > FLOWS_MAX)
		return 2;
	run(strcmp(argv[1], "in") == 0, argv[2], (unsigned)atoi(argv[3]), atof(argv[4]));
	return 0;
}
