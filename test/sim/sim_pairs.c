/*
 * Pairs: opened, found again by their ports, judged.
 */
#include "test/sim/sim_pairs.h"

#include <stdio.h>

#include "diatom/assert.h"

static struct sim_pair pairs[SIM_PAIRS_MAX];
static unsigned count;

void sim_pairs_start(void)
{
	count = 0;
	sim_talkers_forget();
}

void sim_pair_open(struct sim_pair *pair)
{
	struct endpoint to = { pair->address, SIM_PAIR_PORT };
	struct tcp_connection *c;

	net_stack_set_time(&pair->opener->host.stack, sim_now());
	ASSERT(tcp_connection_open(&pair->opener->tcp, &to, &c) == OK);
	sim_talker_join(&pair->here, pair->opener, c);
}

static void open_pair(void *argument)
{
	struct sim_pair *pair = argument;

	(pair->open != NULL ? pair->open : sim_pair_open)(pair);
}

void sim_pair_agree(struct sim_pair *pair)
{
	sim_talker_await(&pair->here, pair->there.to_send);
	sim_talker_await(&pair->there, pair->here.to_send);
}

struct sim_pair *sim_pairs_add(
	struct sim_tcp *opener, struct sim_tcp *listener, struct address listener_address)
{
	struct sim_pair *pair = &pairs[count];

	ASSERT(count < SIM_PAIRS_MAX);
	sim_talker_random(&pair->here, 2 * count, 2 * count + 1);
	sim_talker_random(&pair->there, 2 * count + 1, 2 * count);
	count++;
	pair->opener = opener;
	pair->listener = listener;
	pair->address = listener_address;
	pair->open = NULL;
	pair->here.reopen = open_pair;
	pair->here.argument = pair;
	sim_pair_agree(pair);
	sim_at(sim_now() + MICROSECONDS(sim_between(0, 20000)), open_pair, pair);
	return pair;
}

/* The pair whose opener has the other end of the connection. */
static struct sim_pair *pair_of(const struct tcp_connection *c)
{
	for (unsigned i = 0; i < count; i++) {
		const struct tcp_connection *other = pairs[i].here.c;

		if (other != NULL && other->flow.ends.local_port == c->flow.ends.remote_port &&
			address_equal(&other->flow.ends.local, &c->flow.ends.remote))
			return &pairs[i];
	}
	return NULL;
}

void sim_pairs_accept(struct tcp_port *port)
{
	struct tcp_connection *c;

	while ((c = tcp_port_accept(port)) != NULL) {
		struct sim_pair *pair = pair_of(c);

		if (pair == NULL) { /* its opener has given up */
			tcp_connection_abort(c);
			tcp_connection_release(c);
			continue;
		}
		sim_talker_join(&pair->there, pair->listener, c);
	}
}

bool sim_pairs_are_done(void *unused)
{
	for (unsigned i = 0; i < count; i++)
		if (!pairs[i].here.is_done || !pairs[i].there.is_done ||
			pairs[i].opener->tcp.connections != 0 ||
			pairs[i].listener->tcp.connections != 0)
			return false;
	return true;
}

static bool is_good(const struct sim_talker *t, char *why, size_t room)
{
	if (t->is_wrong)
		snprintf(why, room, "stream %u is wrong at %llu", t->peer_stream,
			(unsigned long long)t->read);
	else if (!t->is_done || t->ended != OK || t->read != t->to_read)
		snprintf(why, room, "%u wrote %llu of %llu, read %llu of %llu: %s, %s", t->stream,
			(unsigned long long)t->sent, (unsigned long long)t->to_send,
			(unsigned long long)t->read, (unsigned long long)t->to_read,
			status_text(t->ended),
			t->c ? tcp_state_text((enum tcp_state)t->c->flow.ends.state)
			     : "no connection");
	else
		return true;
	return false;
}

const char *sim_pairs_fault(void)
{
	static char why[200];

	for (unsigned i = 0; i < count; i++)
		if (!is_good(&pairs[i].here, why, sizeof(why)) ||
			!is_good(&pairs[i].there, why, sizeof(why)))
			return why;
	return sim_pairs_are_done(NULL) ? NULL : "not over";
}
