/*
 * INT and TERM: the host counts them in a page (abi/boot.h), the run loop looks at each turn.
 *
 * A program that has called finish_wait decides itself what happens. In any other, main() is
 * cancelled: its wait returns CANCELLED, and so the plain server loop ends and the image with it.
 */
#include "core/finish.h"

#include <stddef.h>

#include "core/fiber_inner.h"
#include "core/loop.h"
#include "plat/plat.h"

static struct wait_queue waiters;
static struct fiber *main_fiber;
static bool is_awaited; /* finish_wait was called */
static bool is_noticed;

static bool finish_poll(struct poller *poller)
{
	if (is_noticed || plat_finish_requests() == 0)
		return false;
	is_noticed = true;
	if (is_awaited)
		wake_all(&waiters);
	else
		fiber_cancel(main_fiber);
	return true;
}

static bool finish_prepare_sleep(struct poller *poller)
{
	return !is_noticed && plat_finish_requests() > 0;
}

void finish_start(void)
{
	static struct poller poller = { .poll = finish_poll,
		.prepare_sleep = finish_prepare_sleep };

	if (main_fiber)
		return;
	main_fiber = fiber_self();
	loop_add_poller(&poller);
}

bool finish_is_requested(void)
{
	return plat_finish_requests() > 0;
}

enum status finish_wait(instant deadline)
{
	is_awaited = true;
	if (finish_is_requested())
		return OK;
	return wait_on(&waiters, deadline);
}
