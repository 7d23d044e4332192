/*
 * One request's way: choose a server, translate the head (fields.c), hand on the body; the same back.
 */
#include "proxy.h"

#define TUNNEL_IDLE_MS (10 * 60 * 1000)

static unsigned next_upstream;

/* The next one in turn that is up and was not asked for this request; NULL if there is none. */
static struct upstream *choose(uint32_t asked)
{
	for (unsigned i = 0; i < upstream_count; i++) {
		unsigned n = next_upstream++ % upstream_count;

		if (upstreams[n].is_up && (asked >> n & 1) == 0)
			return &upstreams[n];
	}
	return NULL;
}

static void answer(struct http_request *r, struct http_call *call)
{
	if (fields_take(r, call) != OK)
		return;
	if (http_call_status(call) == 101)
		http_forward_upgrade(call, r, TUNNEL_IDLE_MS);
	else
		http_forward_response(call, r);
}

static void fail(struct http_request *r, enum status status)
{
	if (status == TIMED_OUT)
		http_reply_text(r, 504, "504 Gateway Timeout\n");
	else if (status == FULL || status == NO_MEMORY)
		http_reply_text(r, 503, "503 Service Unavailable: too many at once\n");
	else
		http_reply_text(r, 502, "502 Bad Gateway\n");
}

/* --- both --- */

/* The call with all of its head; NULL: the request is answered. */
static struct http_call *open_call(struct http_request *r, struct upstream *u)
{
	struct http_call *call;
	enum status status = http_call_open(
		u->client, http_method_name(r), http_target_text(r), http_host_of(r), &call);

	if (status == OK)
		status = fields_add(r, call);
	if (status == OK)
		return call;
	http_reply_text(r, status == NO_MEMORY ? 503 : 431, "the head is too large\n");
	http_call_close(call);
	return NULL;
}

/* True: the request is dealt with. False: the server had nothing of it, so another may be asked. */
static bool forward(struct http_request *r, struct upstream *u, enum status *status)
{
	struct http_call *call = open_call(r, u);
	bool is_of_request = false, is_begun;

	if (call == NULL)
		return true;
	*status = http_forward_request(r, call, &is_of_request);
	is_begun = http_call_is_begun(call);
	if (is_of_request) {
		http_reply_text(r, 400, "malformed or broken body\n");
	} else if (is_begun) {
		/* Also if it took only a part: it may have answered before it closed, 413, say. */
		*status = http_call_receive(call);
		is_begun = http_call_is_begun(call);
		if (*status == OK)
			answer(r, call);
	}
	/* Only who can't be reached: a client could choose what takes long, or breaks. */
	if (is_begun || *status == REFUSED || *status == TIMED_OUT || *status == UNREACHABLE)
		health_note(u, is_begun);
	if (is_begun && !http_is_replied(r))
		fail(r, *status);
	http_call_close(call);
	return is_begun;
}

void proxy_handle(struct http_request *r, void *unused)
{
	enum status status = UNREACHABLE;
	struct upstream *u;
	uint32_t asked = 0;
	unsigned left;

	if (http_target_text(r).length == 0) {
		http_reply_text(r, 400, "a target without a path\n");
		return;
	}
	if (http_method(r) == TRACE) { /* would show the client what only servers get */
		http_reply_text(r, 501, "no TRACE here\n");
		return;
	}
	if (fields_forwards_left(r, &left) && left == 0) {
		http_reply(r, 204, NULL, view_of(NULL, 0));
		return;
	}
	while ((u = choose(asked)) != NULL) {
		asked |= UINT32_C(1) << (u - upstreams);
		if (forward(r, u, &status))
			return;
	}
	if (asked != 0) {
		fail(r, status);
		return;
	}
	http_add(r, "Retry-After", view_text("2"));
	http_reply_text(r, 503, "503 Service Unavailable: no server is up\n");
}
