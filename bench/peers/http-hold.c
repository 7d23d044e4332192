/*
 * Idle keep-alive connections: opens many, asks once on each, and holds them.
 *
 *     http-hold ADDRESS PATH COUNT SOURCE ...
 *
 * Connections take turns in coming from the source addresses. Prints "held N" once each has had its answer;
 * at TERM "alive N", those that the server has not ended meanwhile.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static int connect_from(const char *source, const char *address)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	inet_pton(AF_INET, source, &from.sin_addr);
	inet_pton(AF_INET, address, &to.sin_addr);
	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		die(source);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die(address);
	return fd;
}

/* One request, and all of its answer. */
static void ask(int fd, const char *address, const char *path)
{
	char text[65536], *body = NULL, *field;
	size_t have = 0, wanted = sizeof(text) - 1;
	int length =
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, address);

	if (write(fd, text, (size_t)length) != length)
		die("write");
	while (have < wanted) {
		ssize_t n = read(fd, text + have, wanted - have);

		if (n <= 0)
			die("read");
		have += (size_t)n;
		text[have] = '\0';
		if (body != NULL || (body = strstr(text, "\r\n\r\n")) == NULL)
			continue;
		field = strcasestr(text, "\r\nContent-Length:");
		if (strncmp(text, "HTTP/1.1 200", 12) != 0 || field == NULL) {
			fprintf(stderr, "http-hold: not 200 with a length: %.60s\n", text);
			exit(1);
		}
		wanted = (size_t)(body + 4 - text) +
			 strtoul(field + strlen("\r\nContent-Length:"), NULL, 10);
	}
}

int main(int argc, char **argv)
{
	int count = argc > 4 ? atoi(argv[3]) : 0, alive = 0, number, *fds;
	struct rlimit files = { (rlim_t)count + 100, (rlim_t)count + 100 };
	sigset_t wanted;
	char byte;

	if (count < 1 || (fds = calloc((size_t)count, sizeof(*fds))) == NULL)
		return 2;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		die("setrlimit");
	for (int i = 0; i < count; i++) {
		fds[i] = connect_from(argv[4 + i % (argc - 4)], argv[1]);
		ask(fds[i], argv[1], argv[2]);
	}
	printf("held %d\n", count);
	fflush(stdout);
	sigwait(&wanted, &number);
	for (int i = 0; i < count; i++)
		alive += recv(fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
	printf("alive %d\n", alive);
	return 0;
}
