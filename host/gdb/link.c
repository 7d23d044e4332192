/* See link.h. */
#define _GNU_SOURCE /* ppoll, accept4 */
#include "host/gdb/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/report.h"

#define PATIENCE_MS 5000 /* for a gdb that takes nothing */
#define INPUT_BYTES 4096
#define UNIX_PREFIX "unix:"

static int complain_listen(const struct gdb_link *link)
{
	switch (errno) {
	case EADDRINUSE:
		return report_error(EXIT_HOST_LACKS,
			link->path[0] != '\0'
				? "remove that file, or name another"
				: "take another port, or --gdb 0 for any that is free",
			"--gdb: %s is in use", link->where);
	case EACCES:
		return report_error(EXIT_HOST_LACKS,
			link->path[0] != '\0' ? "name a file in a directory that you may write"
					      : "take a port from 1024 on",
			"--gdb: no permission for %s", link->where);
	default:
		return report_error(EXIT_HOST_LACKS, NULL, "--gdb: listening on %s failed: %s",
			link->where, strerror(errno));
	}
}

static int listen_unix(struct gdb_link *link, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int result;

	if (strlen(path) >= sizeof(address.sun_path))
		return report_error(EXIT_USAGE, NULL, "--gdb: the path is longer than %zu bytes",
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	snprintf(link->where, sizeof(link->where), "%s", path);
	snprintf(link->path, sizeof(link->path), "%s", path);
	link->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mask = umask(0177); /* for its owner only */
	result = link->listener < 0
			 ? -1
			 : bind(link->listener, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (result != 0 || listen(link->listener, 1) != 0)
		return complain_listen(link);
	return 0;
}

static int listen_tcp(struct gdb_link *link, unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(address);
	int on = 1;

	snprintf(link->where, sizeof(link->where), "127.0.0.1:%u", port);
	link->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (link->listener < 0 ||
		setsockopt(link->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(link->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(link->listener, 1) != 0 ||
		getsockname(link->listener, (struct sockaddr *)&address, &length) != 0)
		return complain_listen(link);
	link->port = ntohs(address.sin_port);
	snprintf(link->where, sizeof(link->where), "127.0.0.1:%u", link->port);
	return 0;
}

int gdb_link_listen(struct gdb_link *link, const char *where)
{
	link->fd = -1;
	if (strncmp(where, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return listen_unix(link, where + strlen(UNIX_PREFIX));
	return listen_tcp(link, (unsigned)strtoul(where, NULL, 10));
}

static void announce(const struct gdb_link *link, const struct run_config *config)
{
	if (config->is_quiet || link->ready > 0)
		return;
	if (link->path[0] != '\0')
		report_line("%s: waiting for gdb on %s", config->name, link->where);
	else
		report_line("%s: waiting for gdb on %s:  diatom gdb --port %u %s", config->name,
			link->where, link->port, config->arguments[0]);
}

static volatile sig_atomic_t asked; /* INT or TERM came; 0: none */

static void on_request(int number)
{
	asked = number;
}

static void tell_ready(const struct gdb_link *link)
{
	if (link->ready <= 0)
		return;
	report_write(link->ready, "", 1);
	close(link->ready);
}

/* The rest of the time limit; false: there is none. */
static bool time_left(const struct run_config *config, struct timespec *out)
{
	int64_t left;

	if (config->timeout_ns == 0)
		return false;
	left = config->started_ns + config->timeout_ns - clock_ns(CLOCK_MONOTONIC);
	left = left < 0 ? 0 : left;
	*out = (struct timespec){ left / 1000000000, left % 1000000000 };
	return true;
}

/* Waits for a client, INT or TERM, or the end of time. > 0: there is one; 0: time is up. Signals come
 * only during the wait: none is missed. */
static int wait_for_client(const struct gdb_link *link, const struct run_config *config)
{
	struct pollfd polled = { .fd = link->listener, .events = POLLIN };
	struct sigaction action = { .sa_handler = on_request }, was_int, was_term;
	struct timespec left;
	sigset_t requests, before;
	int ready;

	sigemptyset(&requests);
	sigaddset(&requests, SIGINT);
	sigaddset(&requests, SIGTERM);
	sigprocmask(SIG_BLOCK, &requests, &before);
	sigaction(SIGINT, &action, &was_int);
	sigaction(SIGTERM, &action, &was_term);
	announce(link, config);
	tell_ready(link);
	do
		ready = ppoll(&polled, 1, time_left(config, &left) ? &left : NULL, &before);
	while (ready < 0 && errno == EINTR && asked == 0);
	sigaction(SIGINT, &was_int, NULL);
	sigaction(SIGTERM, &was_term, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ready;
}

int gdb_link_accept(struct gdb_link *link, const struct run_config *config)
{
	int64_t began = clock_ns(CLOCK_MONOTONIC);
	int on = 1, ready = wait_for_client(link, config);

	link->waited_ns = clock_ns(CLOCK_MONOTONIC) - began;
	if (ready > 0)
		link->fd = accept4(link->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	close(link->listener);
	if (link->path[0] != '\0')
		unlink(link->path);
	if (asked != 0)
		return 128 + asked;
	if (ready == 0) {
		run_announce_timeout(config);
		return EXIT_TIMED_OUT;
	}
	if (link->fd < 0)
		return report_error(
			EXIT_HOST_LACKS, NULL, "--gdb: %s: %s", link->where, strerror(errno));
	/* Each packet waits for its answer: don't let it wait for more to send. */
	if (link->path[0] == '\0')
		setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return 0;
}

void gdb_link_close(struct gdb_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}

static void lose(struct gdb_link *link)
{
	link->server.output_length = 0;
	gdb_server_detach(&link->server);
}

/* False: it takes nothing, or somebody wants us to end. */
static bool wait_for_room(struct gdb_link *link)
{
	struct pollfd polled = { .fd = link->fd, .events = POLLOUT };
	struct timespec patience = { PATIENCE_MS / 1000, 0 };

	return ppoll(&polled, 1, &patience, NULL) > 0;
}

void gdb_link_flush(struct gdb_link *link)
{
	struct gdb_server *server = &link->server;

	while (server->output_length > 0) {
		ssize_t n =
			link->fd < 0 ? -1 : write(link->fd, server->output, server->output_length);

		if (n > 0) {
			server->output += n;
			server->output_length -= (size_t)n;
		} else if (n == 0 || link->fd < 0 || errno != EAGAIN || !wait_for_room(link)) {
			lose(link);
		}
	}
}

/* True: there may be more input that matters now. */
static bool serve_once(struct gdb_link *link)
{
	static char input[INPUT_BYTES];
	ssize_t length = read(link->fd, input, sizeof(input));
	size_t done = 0;

	if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR))
		lose(link);
	while (length > 0 && done < (size_t)length) {
		size_t taken = gdb_server_take(&link->server, input + done, (size_t)length - done);

		gdb_link_flush(link);
		if (taken == 0)
			break; /* detached or to be killed */
		done += taken;
	}
	return length > 0 || (length < 0 && errno == EINTR);
}

void gdb_link_serve(struct gdb_link *link)
{
	while (link->fd >= 0 && serve_once(link) && link->server.state == GDB_STOPPED)
		;
	if (link->server.state == GDB_DETACHED)
		gdb_link_close(link);
}
