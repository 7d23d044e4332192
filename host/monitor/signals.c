/*
 * The handler runs on the only thread and touches only what is volatile here.
 */
#include "host/monitor/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "abi/call.h"

#define FOREVER_SECONDS 1000000000
#define AGAIN_US	100000

static volatile sig_atomic_t requests; /* INT and TERM that came */
static volatile sig_atomic_t last_signal;
static volatile sig_atomic_t is_late; /* the time limit passed */
static sig_atomic_t woken;	      /* requests that the body woke up for */
static struct timespec timeout; /* what ppoll is given; not a local: the handler outlives those */
static struct kvm_run *run;
static volatile struct boot_host_page *page;

static void handle(int number)
{
	if (number == SIGALRM) {
		is_late = 1;
	} else {
		requests++;
		last_signal = number;
		page->finish_requested = (uint32_t)requests;
	}
	console_is_closing = is_late || requests > 1;
	__atomic_store_n(&run->immediate_exit, 1, __ATOMIC_RELAXED);
	timeout = (struct timespec){ 0, 0 };
}

int signals_start(struct guest *guest, int64_t timeout_ns)
{
	struct sigaction action = { .sa_handler = handle };
	/* Again and again: the first may come just before a call that blocks. */
	struct itimerval limit = { .it_interval = { 0, AGAIN_US },
		.it_value = { timeout_ns / 1000000000, timeout_ns % 1000000000 / 1000 } };

	run = guest->vcpu.run;
	page = guest->page;
	if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	if (timeout_ns == 0)
		return 0;
	if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &limit, NULL) != 0)
		return -errno;
	return 0;
}

void signals_take(struct guest *guest)
{
	__atomic_store_n(&run->immediate_exit, 0, __ATOMIC_RELAXED);
	__asm__ volatile("" ::: "memory");
	/* A signal right here sets immediate_exit again or is seen below: none is lost. */
	if (is_late)
		guest_end(guest, EXIT_TIMED_OUT);
	else if (requests > 1)
		guest_end(guest, 128 + last_signal);
}

bool signals_is_late(void)
{
	return is_late;
}

bool signals_wake(void)
{
	sig_atomic_t now = requests;

	if (now == woken)
		return is_late;
	woken = now;
	return true;
}

struct timespec *signals_arm(int64_t left_ns)
{
	timeout = left_ns == INT64_MAX
			  ? (struct timespec){ FOREVER_SECONDS, 0 }
			  : (struct timespec){ left_ns / 1000000000, left_ns % 1000000000 };
	__asm__ volatile("" ::: "memory");
	return requests == woken && !is_late ? &timeout : NULL;
}
