/*
 * passt binds the ports; it is tried before, because the kernel's answer says more than passt does.
 */
#include "host/net/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/report.h"

#define TRIES	 25
#define PAUSE_NS 20000000

/* 0, or what forbids it (errno). */
static int try(const struct options_forward *forward, int type)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(forward->host) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(forward->host) };
	bool is_v6 = inet_pton(AF_INET6, forward->address, &v6.sin6_addr) == 1;
	const void *address = is_v6 ? (const void *)&v6 : &v4;
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0), one = 1, error = 0;

	if (fd < 0)
		return errno;
	if (is_v6) /* or 0.0.0.0 would be in use, too */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	else
		inet_pton(AF_INET, forward->address, &v4.sin_addr);
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, address, is_v6 ? sizeof(v6) : sizeof(v4)) != 0 ||
		(type == SOCK_STREAM && listen(fd, 1) != 0))
		error = errno;
	close(fd);
	return error;
}

static int try_for_a_moment(const struct options_forward *forward, int type)
{
	struct timespec pause = { 0, PAUSE_NS };
	int error = EADDRINUSE;

	for (int i = 0; i < TRIES && error == EADDRINUSE; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		error = try(forward, type);
	}
	return error;
}

static int complain(const struct options_forward *forward, bool is_tcp, int error)
{
	const char *protocol = is_tcp ? "TCP" : "UDP";
	char remedy[160];

	snprintf(remedy, sizeof(remedy), "take another port, or another address of this host");
	if (error == EADDRINUSE)
		snprintf(remedy, sizeof(remedy),
			"take another, or end what uses it, which this shows:  ss -%sp sport = :%u",
			is_tcp ? "lnt" : "anu", forward->host);
	else if (error == EACCES)
		snprintf(remedy, sizeof(remedy),
			"take one from 1024 on, or let root say:  sysctl "
			"net.ipv4.ip_unprivileged_port_start=%u",
			forward->host);
	else if (error == EADDRNOTAVAIL)
		snprintf(remedy, sizeof(remedy), "those that it has:  ip -brief address");
	return report_error(EXIT_HOST_LACKS, remedy, "-p: %s port %u at %s can't be had: %s",
		protocol, forward->host, forward->address,
		error == EADDRINUSE	 ? "it is in use"
		: error == EACCES	 ? "no permission"
		: error == EADDRNOTAVAIL ? "this host has no such address"
					 : strerror(error));
}

int port_check(const struct options_forward *forward)
{
	int error = forward->is_tcp ? try_for_a_moment(forward, SOCK_STREAM) : 0;

	if (error != 0)
		return complain(forward, true, error);
	error = forward->is_udp ? try_for_a_moment(forward, SOCK_DGRAM) : 0;
	return error != 0 ? complain(forward, false, error) : 0;
}
