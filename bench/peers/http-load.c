/*
 * HTTP requests at a constant rate, and how long each took from when it was due:
 *
 *     http-load ADDRESS PATH RATE SECONDS CONNECTIONS
 *
 * An open loop: request i is due at start + i / RATE, whatever the server does. One that finds every connection
 * busy waits for one, and its time runs: a server that stalls can't hide what it made others wait
 * (coordinated omission). The client never sleeps, so that it is not late itself: give it a core of its own.
 *
 * Prints: requests, errors, and microseconds p50 p90 p99 p99.9 max. The first tenth of the time warms up.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define EVENTS_MAX	64
#define BIN_NS		100
#define BINS		5000000	   /* half a second; what is slower counts as that */
#define PATIENCE_NS	1000000000 /* for the last answers */

struct connection {
	int fd;
	int64_t due;
	size_t have; /* bytes of the answer so far */
};

static struct connection connections[CONNECTIONS_MAX];
static struct connection *idle[CONNECTIONS_MAX]; /* a ring: all take turns */
static unsigned connection_count, idle_first, idle_count;
static uint32_t bins[BINS];
static char request[512];
static size_t request_length, answer_length;
static uint64_t good, errors;
static int64_t count_from;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int connect_to(const char *address)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(80) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	inet_pton(AF_INET, address, &at.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		die(address);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void put_idle(struct connection *c)
{
	idle[(idle_first + idle_count++) % CONNECTIONS_MAX] = c;
}

/* One request on a blocking socket: how long the answer is, which all others are to equal. */
static void learn_length(int fd)
{
	char answer[65536 + 4096], *body = NULL, *field;
	size_t have = 0;

	if (write(fd, request, request_length) != (ssize_t)request_length)
		die("write");
	while (answer_length == 0 || have < answer_length) {
		ssize_t n = read(fd, answer + have, sizeof(answer) - 1 - have);

		if (n <= 0)
			die("read");
		have += (size_t)n;
		answer[have] = '\0';
		if (body == NULL && (body = strstr(answer, "\r\n\r\n")) != NULL) {
			field = strcasestr(answer, "\r\nContent-Length:");
			if (strncmp(answer, "HTTP/1.1 200", 12) != 0 || field == NULL) {
				fprintf(stderr, "http-load: not 200 with a length: %.60s\n",
					answer);
				exit(1);
			}
			answer_length = (size_t)(body + 4 - answer) +
					strtoul(field + strlen("\r\nContent-Length:"), NULL, 10);
		}
	}
}

static void count_answer(const struct connection *c, int64_t now)
{
	int64_t bin = (now - c->due) / BIN_NS;

	if (c->due < count_from)
		return;
	good++;
	bins[bin < BINS ? bin : BINS - 1]++;
}

/* True: the connection can still be used. */
static int receive(struct connection *c)
{
	static char sink[65536];
	ssize_t n = recv(c->fd, sink, sizeof(sink), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return 1;
	if (n <= 0 || (c->have == 0 && (n < 12 || memcmp(sink, "HTTP/1.1 200", 12) != 0)) ||
		c->have + (size_t)n > answer_length)
		return 0;
	c->have += (size_t)n;
	if (c->have < answer_length)
		return 1;
	count_answer(c, now_ns());
	put_idle(c);
	return 1;
}

/* Sends what is due by now on idle connections. */
static uint64_t send_due(uint64_t sent, uint64_t total, int64_t start, double interval, int64_t now)
{
	while (sent < total && idle_count > 0) {
		int64_t due = start + (int64_t)((double)sent * interval);
		struct connection *c = idle[idle_first];

		if (due > now)
			break;
		idle_first = (idle_first + 1) % CONNECTIONS_MAX;
		idle_count--;
		c->due = due;
		c->have = 0;
		if (send(c->fd, request, request_length, MSG_DONTWAIT | MSG_NOSIGNAL) !=
			(ssize_t)request_length)
			die("send");
		sent++;
	}
	return sent;
}

static void run(int poller, double rate, double seconds)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t total = (uint64_t)(rate * seconds), sent = 0;
	double interval = 1e9 / rate;
	int64_t start = now_ns() + 1000000, now,
		end = start + (int64_t)(seconds * 1e9) + PATIENCE_NS;

	count_from = start + (int64_t)(seconds * 1e8);
	while ((now = now_ns()) < end && (sent < total || idle_count + errors < connection_count)) {
		int n;

		sent = send_due(sent, total, start, interval, now);
		n = epoll_wait(poller, events, EVENTS_MAX, 0);
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (receive(c))
				continue;
			errors++;
			epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
		}
	}
	/* What was never answered or, for want of connections, never sent. */
	errors += total - sent + (connection_count - idle_count - errors);
}

static double percentile(double share)
{
	uint64_t wanted = (uint64_t)((double)good * share), seen = 0;

	for (size_t i = 0; i < BINS; i++)
		if ((seen += bins[i]) > wanted || seen == good)
			return (double)(i + 1) * BIN_NS / 1e3;
	return 0;
}

int main(int argc, char **argv)
{
	int poller = epoll_create1(0);

	if (argc != 6 || atoi(argv[5]) < 1 || atoi(argv[5]) > CONNECTIONS_MAX || atof(argv[3]) <= 0)
		return 2;
	request_length = (size_t)snprintf(
		request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", argv[2], argv[1]);
	connection_count = (unsigned)atoi(argv[5]);
	for (unsigned i = 0; i < connection_count; i++) {
		struct connection *c = &connections[i];
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

		c->fd = connect_to(argv[1]);
		if (i == 0)
			learn_length(c->fd);
		if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) != 0)
			die("epoll_ctl");
		put_idle(c);
	}
	run(poller, atof(argv[3]), atof(argv[4]));
	printf("%llu %llu", (unsigned long long)good, (unsigned long long)errors);
	printf(" %.1f %.1f %.1f %.1f %.1f\n", percentile(0.5), percentile(0.9), percentile(0.99),
		percentile(0.999), percentile(1));
	return good == 0;
}
