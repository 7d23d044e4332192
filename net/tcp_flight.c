/*
 * The records of what is in flight.
 */
#include "net/tcp_flight.h"

#include "diatom/counter.h"
#include "net/tcp_inner.h"

COUNTER(flight_refused, "tcp.flight_refused", "segments not sent: no memory to remember them");
COUNTER(split_refused, "tcp.split_refused", "SACK blocks not believed: too many records");

static struct pool flights = POOL("tcp flights", sizeof(struct tcp_flight), 0);
static struct pool records = POOL("tcp records", sizeof(struct tcp_sent), 0);

static void link_latest(struct tcp_flight *f, struct tcp_sent *sent)
{
	sent->later = NULL;
	sent->earlier = f->latest;
	if (f->latest != NULL)
		f->latest->later = sent;
	else
		f->earliest = sent;
	f->latest = sent;
}

static void unlink_time(struct tcp_flight *f, struct tcp_sent *sent)
{
	if (sent->earlier != NULL)
		sent->earlier->later = sent->later;
	else
		f->earliest = sent->later;
	if (sent->later != NULL)
		sent->later->earlier = sent->earlier;
	else
		f->latest = sent->earlier;
}

static void unlink_number(struct tcp_flight *f, struct tcp_sent *sent)
{
	if (sent->previous != NULL)
		sent->previous->next = sent->next;
	else
		f->first = sent->next;
	if (sent->next != NULL)
		sent->next->previous = sent->previous;
	else
		f->last = sent->previous;
}

/* What leaves in one instant needs one record. */
static bool extend_last(struct tcp_flight *f, uint32_t start, uint32_t end, instant now)
{
	struct tcp_sent *last = f->last;

	if (last == NULL || last->end != start || last->sent_at != now || last->is_sacked ||
		last->is_lost || last->is_retransmitted || last != f->latest)
		return false;
	last->end = end;
	return true;
}

bool tcp_flight_add(struct tcp_connection *c, uint32_t start, uint32_t end)
{
	struct tcp_flight *f = c->flight;
	instant now = tcp_now(c->host);
	struct tcp_sent *sent;

	if (f == NULL) {
		f = c->flight = pool_alloc_zeroed(&flights);
		if (f == NULL) {
			count(&flight_refused);
			return false;
		}
		f->sacked_end = f->recovery_point = f->rack_round = start;
		f->rack_end = f->mark_point = start;
		f->rack_steps = 1;
	}
	if (extend_last(f, start, end, now))
		return true;
	sent = f->count < TCP_RECORDS_MAX ? pool_alloc_zeroed(&records) : NULL;
	if (sent == NULL) {
		count(&flight_refused);
		return false;
	}
	sent->start = start;
	sent->end = end;
	sent->sent_at = now;
	sent->previous = f->last;
	if (f->last != NULL)
		f->last->next = sent;
	else
		f->first = sent;
	f->last = sent;
	link_latest(f, sent);
	f->count++;
	return true;
}

struct tcp_sent *tcp_flight_split(struct tcp_connection *c, struct tcp_sent *sent, uint32_t at)
{
	struct tcp_flight *f = c->flight;
	struct tcp_sent *rest = f->count < TCP_RECORDS_MAX ? pool_alloc(&records) : NULL;

	if (rest == NULL) {
		count(&split_refused);
		return NULL;
	}
	*rest = *sent;
	rest->start = sent->end = at;
	rest->previous = sent;
	sent->next = rest;
	if (rest->next != NULL)
		rest->next->previous = rest;
	else
		f->last = rest;
	rest->earlier = sent;
	sent->later = rest;
	if (rest->later != NULL)
		rest->later->earlier = rest;
	else
		f->latest = rest;
	f->count++;
	return rest;
}

static void record_free(struct tcp_flight *f, struct tcp_sent *sent)
{
	unlink_time(f, sent);
	unlink_number(f, sent);
	f->count--;
	pool_free(&records, sent);
}

void tcp_flight_retract(struct tcp_connection *c, uint32_t end)
{
	struct tcp_sent *last = c->flight->last;

	last->end = end;
	if (last->start == end)
		record_free(c->flight, last);
	tcp_flight_tidy(c);
}

/* [sent->start, sent->end) has arrived, for the first time that we hear of it. */
static void delivered(struct tcp_connection *c, const struct tcp_sent *sent, uint32_t bytes,
	struct tcp_news *news)
{
	struct tcp_flight *f = c->flight;

	news->delivered += bytes;
	/* After timeouts it may tell of a time when the path was another. */
	if (bytes >= c->congestion.mss && c->backoff == 0)
		c->is_size_proven = true;
	if (!news->has_sample || sent->sent_at > news->sampled_sent_at ||
		(sent->sent_at == news->sampled_sent_at &&
			sequence_after(sent->end, news->sampled_end))) {
		news->has_sample = true;
		news->sampled_sent_at = sent->sent_at;
		news->sampled_end = sent->end;
		news->is_sample_retransmitted = sent->is_retransmitted;
	}
	/* RFC 8985 6.2 step 3: a hole was filled by what was sent only once. */
	if (!sent->is_retransmitted && sequence_before(sent->end, f->sacked_end))
		c->is_reordering_seen = true;
}

void tcp_flight_acknowledge(struct tcp_connection *c, uint32_t ack, struct tcp_news *news)
{
	struct tcp_flight *f = c->flight;
	struct tcp_sent *sent;

	while (f != NULL && (sent = f->first) != NULL && sequence_before(sent->start, ack)) {
		uint32_t end = sequence_min(sent->end, ack), bytes = end - sent->start;

		if (sent->is_sacked)
			f->sacked_bytes -= bytes;
		else
			delivered(c, sent, bytes, news);
		if (sent->is_lost)
			f->lost_bytes -= bytes;
		if (end != sent->end) {
			sent->start = end;
			break;
		}
		record_free(f, sent);
	}
	if (f != NULL && sequence_before(f->sacked_end, ack))
		f->sacked_end = ack;
}

/* Marks one record that lies within the block. */
static void sack_record(struct tcp_connection *c, struct tcp_sent *sent, struct tcp_news *news)
{
	struct tcp_flight *f = c->flight;
	uint32_t bytes = sent->end - sent->start;

	if (sent->is_sacked)
		return;
	delivered(c, sent, bytes, news);
	sent->is_sacked = true;
	f->sacked_bytes += bytes;
	if (sent->is_lost) {
		sent->is_lost = false;
		f->lost_bytes -= bytes;
	}
	if (sequence_after(sent->end, f->sacked_end))
		f->sacked_end = sent->end;
}

void tcp_flight_sack(struct tcp_connection *c, struct tcp_block block, struct tcp_news *news)
{
	struct tcp_sent *sent = c->flight != NULL ? c->flight->first : NULL;

	for (; sent != NULL && sequence_before(sent->start, block.end); sent = sent->next) {
		if (!sequence_after(sent->end, block.start) || sent->is_sacked)
			continue;
		if (sequence_before(sent->start, block.start)) {
			sent = tcp_flight_split(c, sent, block.start);
			if (sent == NULL)
				return;
		}
		if (sequence_after(sent->end, block.end) &&
			tcp_flight_split(c, sent, block.end) == NULL)
			return;
		sack_record(c, sent, news);
	}
}

void tcp_flight_mark_lost(struct tcp_connection *c, struct tcp_sent *sent)
{
	if (sent->is_lost || sent->is_sacked)
		return;
	sent->is_lost = true;
	c->flight->lost_bytes += sent->end - sent->start;
}

bool tcp_flight_retransmit(struct tcp_connection *c, struct tcp_sent *sent, uint32_t bytes)
{
	struct tcp_flight *f = c->flight;

	if (bytes < sent->end - sent->start &&
		tcp_flight_split(c, sent, sent->start + bytes) == NULL)
		return false;
	if (sent->is_lost) {
		sent->is_lost = false;
		f->lost_bytes -= sent->end - sent->start;
	}
	sent->is_retransmitted = true;
	sent->sent_at = tcp_now(c->host);
	unlink_time(f, sent);
	link_latest(f, sent);
	return true;
}

struct tcp_sent *tcp_flight_first_lost(const struct tcp_connection *c)
{
	const struct tcp_flight *f = c->flight;
	struct tcp_sent *sent = f != NULL && f->lost_bytes > 0 ? f->first : NULL;

	while (sent != NULL && !sent->is_lost)
		sent = sent->next;
	return sent;
}

void tcp_flight_all_lost(struct tcp_connection *c)
{
	for (struct tcp_sent *sent = c->flight->first; sent != NULL; sent = sent->next)
		tcp_flight_mark_lost(c, sent);
	c->flight->duplicate_bytes = 0;
}

void tcp_flight_none_lost(struct tcp_connection *c)
{
	for (struct tcp_sent *sent = c->flight->first; sent != NULL; sent = sent->next)
		sent->is_lost = false;
	c->flight->lost_bytes = 0;
}

void tcp_flight_tidy(struct tcp_connection *c)
{
	if (c->flight == NULL || c->flight->first != NULL)
		return;
	pool_free(&flights, c->flight);
	c->flight = NULL;
}

void tcp_flight_drop(struct tcp_connection *c)
{
	while (c->flight != NULL && c->flight->first != NULL)
		record_free(c->flight, c->flight->first);
	tcp_flight_tidy(c);
}
