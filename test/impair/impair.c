/*
 * A bad network between two interfaces: loss, bursts, reordering, duplication, corruption, delay, jitter, a
 * bottleneck, a small MTU; each direction by itself, all from one seed.
 *
 *     impair SEED FIRST SECOND FORTH BACK
 *
 *     impair 7 tap:ns1/tap0 packet:ns2/tap0 delay_ms=10,loss=1 delay_ms=10
 *
 * FIRST and SECOND are ends (port.h), FORTH and BACK what happens from the first to the second and back (path.h,
 * settings.c; "-": nothing). It says "ready", and on TERM or INT prints what it did, as JSON. For kernels without
 * netem, and for tests that want the same losses each time.
 *
 * One thread: sleep until a frame comes or one is due; read all that came; send all that is due. The timer has no
 * slack, so a frame leaves some 20 us late when the machine is idle; late_us_most says how late on this one.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "test/impair/path.h"
#include "test/impair/port.h"

struct direction {
	struct port *from, *to;
	struct path path;
	uint64_t now;
};

static volatile sig_atomic_t is_over;

static void end(int number)
{
	is_over = number;
}

static uint64_t time_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void take(void *argument, const uint8_t *bytes, size_t length)
{
	struct direction *d = argument;

	path_put(&d->path, bytes, length, d->now);
}

static void send_due(struct direction *d)
{
	struct path_frame *frame;

	while ((frame = path_take(&d->path, time_now())) != NULL) {
		port_write(d->to, frame->bytes, frame->length);
		free(frame);
	}
}

static void wait_for(const struct direction *both, const sigset_t *waiting)
{
	struct pollfd fds[2] = { { both[0].from->fd, POLLIN, 0 }, { both[1].from->fd, POLLIN, 0 } };
	uint64_t first = path_next(&both[0].path), second = path_next(&both[1].path),
		 now = time_now();
	uint64_t when = first < second ? first : second, left = when > now ? when - now : 0;
	struct timespec limit = { (time_t)(left / 1000000000), (long)(left % 1000000000) };

	ppoll(fds, 2, when == UINT64_MAX ? NULL : &limit, waiting);
}

static void relay(struct direction *both, const sigset_t *waiting)
{
	while (!is_over) {
		wait_for(both, waiting);
		for (unsigned i = 0; i < 2; i++) {
			both[i].now = time_now();
			port_read(both[i].from, take, &both[i]);
			send_due(&both[i]);
		}
	}
}

/* TERM and INT come only while it sleeps: none is missed between a look and a sleep. */
static void expect_signals(sigset_t *waiting)
{
	struct sigaction action = { .sa_handler = end };
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGTERM);
	sigaddset(&both, SIGINT);
	sigprocmask(SIG_BLOCK, &both, waiting);
	sigdelset(waiting, SIGTERM);
	sigdelset(waiting, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

int main(int argc, char **argv)
{
	struct direction both[2];
	struct path_settings settings[2];
	struct port ports[2];
	sigset_t waiting;
	uint64_t seed;

	if (argc != 6) {
		fprintf(stderr, "usage: impair SEED FIRST SECOND FORTH BACK\n");
		return 2;
	}
	seed = strtoull(argv[1], NULL, 0);
	expect_signals(&waiting);
	for (unsigned i = 0; i < 2; i++) {
		if (!path_settings_parse(&settings[i], argv[4 + i]) ||
			!port_open(&ports[i], argv[2 + i]) ||
			!path_start(&both[i].path, &settings[i], 2 * seed + i))
			return 2;
		both[i].from = &ports[i];
		both[i].to = &ports[!i];
	}
	prctl(PR_SET_TIMERSLACK, 1UL);
	setpriority(PRIO_PROCESS, 0, -10); /* without the right to it, frames are late more often */
	puts("ready");
	fflush(stdout);
	relay(both, &waiting);
	printf("{");
	path_print(&both[0].path, "forth", ", ");
	path_print(&both[1].path, "back", ", ");
	printf("\"unsent\": %llu, \"odd\": %llu}\n",
		(unsigned long long)(ports[0].unsent + ports[1].unsent),
		(unsigned long long)(ports[0].odd + ports[1].odd));
	return 0;
}
