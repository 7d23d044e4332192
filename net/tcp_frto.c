/*
 * F-RTO (RFC 5682): was the timeout for nothing? The ACKs after it tell, without any option.
 *
 *     timeout: the first segment leaves again
 *        | an ACK of more, but not of all         what else was sent is held for lost no longer, and two
 *        v                                        new segments leave instead of repeats
 *     NEW_SENT
 *        | an ACK of what was sent only once: it had only been late    --> all is undone
 *        '- a duplicate: it is lost indeed                             --> slow start repeats it, as usual
 *
 * Where there are time stamps Eifel (net/tcp_recovery.c) knows with the first ACK already, and this rests.
 */
#include "net/tcp_inner.h"

void tcp_frto_begin(struct tcp_connection *c, bool is_first)
{
	/* Step 1: not for a timeout of what was sent again already. */
	c->flight->frto = is_first && !c->has_stamps ? TCP_FRTO_REPEATED : TCP_FRTO_OFF;
}

/* Step 2b: instead of repeats, at most two new segments, if there are so many and the peer takes them. */
static void send_new(struct tcp_connection *c)
{
	struct tcp_flight *f = c->flight;

	f->frto = TCP_FRTO_OFF;
	if (!sequence_before(c->snd_nxt, c->snd_end) || tcp_window_left(c) == 0)
		return;
	f->frto = TCP_FRTO_NEW_SENT;
	tcp_flight_none_lost(c);
	c->congestion.window = tcp_in_flight(c) + 2 * c->congestion.mss;
}

/* Step 3a. */
static void repeat_all(struct tcp_connection *c)
{
	struct tcp_flight *f = c->flight;

	f->frto = TCP_FRTO_OFF;
	for (struct tcp_sent *s = f->first;
		s != NULL && sequence_before(s->start, f->recovery_point); s = s->next)
		tcp_flight_mark_lost(c, s);
	c->congestion.window = 3 * c->congestion.mss;
}

bool tcp_frto_acknowledged(struct tcp_connection *c, const struct tcp_news *news)
{
	struct tcp_flight *f = c->flight;
	bool is_advance = news->acknowledged > 0,
	     is_all = !sequence_before(news->ack, f->recovery_point);

	switch ((enum tcp_frto)f->frto) {
	case TCP_FRTO_OFF:
		return false;
	case TCP_FRTO_REPEATED:
		if (is_advance && !is_all)
			send_new(c);
		else if (is_advance || news->is_duplicate || news->has_blocks)
			f->frto = TCP_FRTO_OFF; /* step 2a */
		return false;
	case TCP_FRTO_NEW_SENT:
		if (!is_advance && (news->is_duplicate || news->has_blocks))
			repeat_all(c);
		return is_advance; /* step 3b */
	}
	return false;
}
