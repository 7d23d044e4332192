/*
 * A server is down when FAILURES_MAX connections or checks in a row failed, and up with the next check that
 * is answered, in CHECK_MS and with a status below 500.
 */
#include <diatom/log.h>

#include "proxy.h"

#define FAILURES_MAX  2
#define CHECK_SECONDS 2
#define CHECK_MS      2000

void health_note(struct upstream *u, bool is_good)
{
	bool was_up = u->is_up;

	u->failures = is_good ? 0 : u->failures + 1;
	if (is_good || u->failures >= FAILURES_MAX)
		u->is_up = is_good;
	if (u->is_up != was_up)
		log_warning("proxy", "%s is %s", u->name, is_good ? "up" : "down");
}

static bool check(struct upstream *u)
{
	struct http_call *call;
	bool is_good = http_get(u->checks, "/", &call) == OK && http_call_status(call) < 500;

	http_call_close(call);
	return is_good;
}

static void watch(void *argument)
{
	struct upstream *u = argument;

	while (sleep_for(SECONDS(CHECK_SECONDS)) == OK)
		health_note(u, check(u));
}

bool health_start(struct upstream *u, const struct endpoint *to)
{
	const struct http_client_options options = { .to = *to,
		.connections = 1,
		.connect_ms = CHECK_MS,
		.head_ms = CHECK_MS,
		.body_ms = CHECK_MS };
	struct fiber *fiber;

	u->checks = http_client_open(&eth0, &options);
	fiber = u->checks != NULL ? fiber_start("health", watch, u) : NULL;

	if (fiber == NULL) {
		log_error("proxy", "no memory to watch %s", u->name);
		return false;
	}
	fiber_detach(fiber);
	return true;
}
