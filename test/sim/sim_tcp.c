/*
 * TCP hosts and talkers.
 */
#include "test/sim/sim_tcp.h"

#include "diatom/assert.h"

static struct sim_talker *talkers[SIM_TALKERS_MAX];
static unsigned talker_count;

void sim_tcp_start(struct sim_tcp *s, struct sim_link *link, uint8_t number, const char *prefix)
{
	memset(&s->tcp, 0, sizeof(s->tcp));
	if (s->pool.object_bytes == 0)
		s->pool =
			(struct pool)POOL("sim tcp connections", sizeof(struct tcp_connection), 0);
	sim_host_start(&s->host, link, number, prefix);
	s->tcp.pool = &s->pool;
	s->tcp.notify = sim_talker_notify;
	ASSERT(tcp_host_start(&s->tcp, &s->host.stack) == OK);
}

void sim_tcp_end(struct sim_tcp *s)
{
	tcp_host_end(&s->tcp);
	ASSERT(s->tcp.connections == 0 && s->tcp.half_open == 0 && s->tcp.waiting == 0);
	ASSERT(s->tcp.flow_count == 0 && s->tcp.memory == 0 && s->pool.used == 0);
	sim_host_end(&s->host);
}

void sim_tcp_wrap_soon(struct sim_tcp *s, const struct tcp_ends *ends, uint32_t before)
{
	do {
		s->tcp.secret.k0++;
	} while (-tcp_sequence_first(&s->tcp, ends) > before);
}

uint8_t sim_stream_byte(uint32_t stream, uint64_t at)
{
	return (uint8_t)((at * 0x9e3779b1u + stream * 0x85ebca6bu) >> 13 ^ at >> 3);
}

void sim_talker_random(struct sim_talker *t, uint32_t stream, uint32_t peer_stream)
{
	static const uint32_t sizes[] = { 0, 1, 100, 3000, 30000, 100000, 300000 };
	static const uint32_t writes[] = { 1, 50, 700, 1448, 5000, 60000, 200000 };

	memset(t, 0, sizeof(*t));
	t->stream = stream;
	t->peer_stream = peer_stream;
	t->to_send = sim_between(0, sizes[sim_between(0, ARRAY_LEN(sizes) - 1)]);
	t->write_most = writes[sim_between(0, ARRAY_LEN(writes) - 1)];
	t->read_most = writes[sim_between(0, ARRAY_LEN(writes) - 1)];
	if (t->to_send > 10000 && t->write_most < 700)
		t->write_most = 700;
	if (sim_chance(200000))
		t->read_every = MICROSECONDS(sim_between(1, 20000));
	if (sim_chance(200000))
		t->write_every = MICROSECONDS(sim_between(1, 5000));
}

void sim_talker_await(struct sim_talker *t, uint64_t bytes)
{
	t->to_read = bytes;
	if (t->read_every > 0 && t->read_most < bytes / 200) /* or it takes for ever */
		t->read_most = (uint32_t)(bytes / 200);
}

static void talk(void *argument);

static void later(struct sim_talker *t, duration when)
{
	sim_at(sim_now() + when, talk, t);
}

/* --- reading --- */

static void check_bytes(struct sim_talker *t, struct view bytes)
{
	for (size_t i = 0; i < bytes.length; i++)
		t->is_wrong |= bytes.data[i] != sim_stream_byte(t->peer_stream, t->read + i);
	t->read += bytes.length;
	t->is_wrong |= t->read > t->to_read;
}

static void read_some(struct sim_talker *t)
{
	uint32_t left = t->read_most;

	while (t->c->received.first != NULL && left > 0) {
		struct view bytes = view_part(packet_view(t->c->received.first), 0, left);

		check_bytes(t, bytes);
		left -= (uint32_t)bytes.length;
		if (sim_chance(500000) && bytes.length == t->c->received.first->length)
			packet_free(tcp_connection_take(t->c));
		else
			tcp_connection_consume(t->c, bytes.length);
	}
	if (t->c->received.first != NULL && !t->is_waiting_to_read) {
		t->is_waiting_to_read = true;
		later(t, t->read_every > 0 ? t->read_every : MICROSECONDS(1));
	}
}

/* --- writing --- */

static uint8_t *fresh_bytes(const struct sim_talker *t, size_t length)
{
	static uint8_t bytes[200000];

	for (size_t i = 0; i < length; i++)
		bytes[i] = sim_stream_byte(t->stream, t->sent + i);
	return bytes;
}

static void release_copy(void *owner)
{
	packet_free(owner);
}

/* Kept bytes: each piece refers to a packet, released when the last reference goes. */
static size_t write_kept(struct sim_talker *t, size_t length)
{
	struct packet *owner, *piece;

	if (length > 1900)
		length = 1900;
	owner = packet_alloc();
	ASSERT(owner != NULL);
	memcpy(owner->data, fresh_bytes(t, length), length);
	piece = packet_refer(view_of(owner->data, length), release_copy, owner);
	ASSERT(piece != NULL);
	tcp_connection_queue(t->c, piece);
	return length;
}

static void write_some(struct sim_talker *t)
{
	size_t room = tcp_connection_room(t->c), length = t->to_send - t->sent;

	if (length > t->write_most)
		length = t->write_most;
	if (length > room)
		length = room;
	if (length > 0 && sim_chance(300000))
		length = write_kept(t, length);
	else if (length > 0)
		length = tcp_connection_copy(t->c, view_of(fresh_bytes(t, length), length));
	t->sent += length;
	if (length > 0)
		tcp_output(t->c);
	if (t->sent < t->to_send && room > length && !t->is_waiting_to_write) {
		t->is_waiting_to_write = true;
		later(t, t->write_every > 0 ? t->write_every : MICROSECONDS(1));
	}
}

/* --- to the end --- */

static bool is_open(const struct sim_talker *t)
{
	return t->c != NULL && t->c->flow.ends.state != TCP_SYN_SENT &&
	       t->c->flow.ends.state != TCP_SYN_RECEIVED;
}

void sim_talker_go(struct sim_talker *t)
{
	if (t->c == NULL || t->is_done)
		return;
	if (t->c->error == UNREACHABLE && t->c->bytes_acknowledged == 0 && t->c->irs == 0 &&
		t->reopen != NULL) {
		tcp_connection_release(t->c);
		t->c = NULL;
		sim_at(sim_now() + SECONDS(2), t->reopen, t->argument);
		return;
	}
	if (t->c->error != OK && t->c->error != CLOSED)
		t->ended = (enum status)t->c->error;
	if (is_open(t))
		read_some(t);
	if (is_open(t) && t->c->error == OK && t->sent < t->to_send)
		write_some(t);
	if (is_open(t) && t->sent == t->to_send && !t->is_shut && t->c->error == OK) {
		t->is_shut = true;
		tcp_connection_shut(t->c);
	}
	if (t->ended != OK || (t->is_shut && t->c->received.first == NULL &&
				      (t->c->is_fin_received || t->c->error == CLOSED))) {
		struct tcp_connection *c = t->c;

		t->c = NULL;
		t->is_done = true;
		tcp_connection_release(c);
	}
}

static void talk(void *argument)
{
	struct sim_talker *t = argument;

	t->is_waiting_to_read = t->is_waiting_to_write = false;
	if (t->at != NULL)
		net_stack_set_time(&t->at->host.stack, sim_now());
	sim_talker_go(t);
}

void sim_talker_join(struct sim_talker *t, struct sim_tcp *at, struct tcp_connection *c)
{
	t->c = c;
	if (t->at == NULL) {
		ASSERT(talker_count < SIM_TALKERS_MAX);
		talkers[talker_count++] = t;
	}
	t->at = at;
	later(t, 0);
}

void sim_talker_notify(struct tcp_connection *c)
{
	for (unsigned i = 0; i < talker_count; i++)
		if (talkers[i]->c == c) {
			if (!talkers[i]->is_waiting_to_read || talkers[i]->read_every == 0)
				sim_talker_go(talkers[i]);
			return;
		}
}

void sim_talkers_forget(void)
{
	talker_count = 0;
}

/* --- invariants --- */

static void check_flight(const struct tcp_connection *c)
{
	const struct tcp_flight *f = c->flight;
	uint32_t at = c->snd_una, sacked = 0, lost = 0, count = 0;
	const struct tcp_sent *last_time = NULL;

	for (const struct tcp_sent *s = f->first; s != NULL; s = s->next) {
		ASSERT(s->start == at && sequence_after(s->end, s->start));
		ASSERT(!(s->is_sacked && s->is_lost));
		sacked += s->is_sacked ? s->end - s->start : 0;
		lost += s->is_lost ? s->end - s->start : 0;
		at = s->end;
		count++;
	}
	ASSERT(at == c->snd_nxt && sacked == f->sacked_bytes && lost == f->lost_bytes);
	ASSERT(count == f->count);
	for (const struct tcp_sent *s = f->earliest; s != NULL; s = s->later) {
		ASSERT(last_time == NULL || last_time->sent_at <= s->sent_at);
		last_time = s;
		count--;
	}
	ASSERT(count == 0);
}

/* Something must be going to happen: no timer is lost. */
static void check_progress(const struct tcp_connection *c)
{
	bool is_out = c->snd_una != c->snd_nxt, is_queued = sequence_after(c->snd_end, c->snd_nxt);
	bool may_send =
		c->flow.ends.state >= TCP_ESTABLISHED && c->flow.ends.state != TCP_TIME_WAIT;

	if (is_out || (is_queued && may_send && !c->is_corked))
		ASSERT(c->alarm_at != FOREVER || c->is_pacing);
	if (c->alarm_at != FOREVER || c->ack_at != FOREVER || c->idle_at != FOREVER)
		ASSERT(tcp_timer_is_set(&c->flow.timer));
	ASSERT(!c->is_due && !c->is_ack_now);
}

void sim_tcp_check(const struct tcp_connection *c)
{
	uint32_t queued = 0, received = 0;

	if (!c->flow.ends.is_listed)
		return;
	for (const struct packet *p = c->chunks.first; p != NULL; p = p->next)
		queued += p->length;
	for (const struct packet *p = c->received.first; p != NULL; p = p->next)
		received += p->length;
	ASSERT(received == c->received_bytes);
	if (c->flow.ends.state > TCP_SYN_RECEIVED)
		ASSERT(queued == c->snd_end - c->snd_una ||
			(c->is_shut && queued == 0 && c->snd_una == c->snd_end + 1));
	ASSERT(!sequence_after(c->snd_una, c->snd_nxt));
	ASSERT(!sequence_after(c->rcv_nxt, c->rcv_edge));
	if (c->flight != NULL)
		check_flight(c);
	check_progress(c);
}

void sim_talkers_check(void)
{
	for (unsigned i = 0; i < talker_count; i++)
		if (talkers[i]->c != NULL)
			sim_tcp_check(talkers[i]->c);
}
