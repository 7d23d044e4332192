/*
 * What may leave now.
 *
 *     what was lost, then new text        as far as congestion window, pacing
 *     new text                            ... and the peer's window, Nagle, silly windows (3.8.6.2.1)
 *     an ACK                              if one is owed and nothing carried it
 *
 * Afterwards an alarm is set for what is out: a tail loss probe, the retransmission timeout, or the
 * persist timer when the peer's window holds everything back.
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

#define BURST_MOST 65000u	    /* text of one frame that the device cuts */
#define PACE_SLACK MILLISECONDS(1)  /* what is due so soon may leave now: the timer is no finer */
#define RETRY_SOON MILLISECONDS(20) /* after a failure for want of memory */

COUNTER(tx_probes, "tcp.tx_window_probes", "segments sent into a closed window, to see if it is");

/* --- windows --- */

uint32_t tcp_window_left(const struct tcp_connection *c)
{
	uint32_t edge = c->snd_una + c->snd_wnd;

	return sequence_after(edge, c->snd_nxt) ? edge - c->snd_nxt : 0;
}

static uint32_t congestion_left(const struct tcp_connection *c)
{
	uint32_t out = tcp_in_flight(c);

	return c->congestion.window > out ? c->congestion.window - out : 0;
}

/* --- pacing --- */

/* Twice the window in a round trip in slow start, 1.2 times after it, bytes a second; 0: unknown. */
static uint64_t pace_of(const struct tcp_connection *c)
{
	uint64_t factor = c->congestion.window < c->congestion.threshold / 2 ? 200 : 120;

	if (c->rtt_us == 0)
		return 0;
	return (uint64_t)c->congestion.window * factor * 10000 / c->rtt_us;
}

static void paced(struct tcp_connection *c, uint32_t bytes)
{
	uint64_t rate = pace_of(c);
	instant now = tcp_now(c->host);

	if (rate == 0 || c->flight == NULL)
		return;
	if (c->flight->pace_at < now)
		c->flight->pace_at = now;
	c->flight->pace_at += (duration)((uint64_t)bytes * 1000000000 / rate);
}

static bool must_wait(struct tcp_connection *c)
{
	c->is_pacing = c->flight != NULL && c->flight->pace_at > tcp_now(c->host) + PACE_SLACK;
	return c->is_pacing;
}

/* --- sending --- */

static void retry_soon(struct tcp_connection *c, enum tcp_alarm alarm)
{
	c->alarm = (uint8_t)alarm;
	c->alarm_at = tcp_now(c->host) + RETRY_SOON;
}

/* Text and, at the queue's end, FIN: how far records and snd_nxt go. */
static uint32_t end_of(const struct tcp_connection *c)
{
	return c->snd_end + (c->is_shut ? 1 : 0);
}

/*
 * Sends [from, to) of what is queued, FIN counted, in one frame; *to becomes what did leave. What uses up the
 * congestion window is pushed, too: many receivers acknowledge that at once, and nothing else can leave before.
 */
static enum status send_range(struct tcp_connection *c, uint32_t from, uint32_t *to)
{
	bool is_fin = c->is_shut && *to == c->snd_end + 1;
	uint32_t text = *to - from - is_fin, wanted = text;
	uint8_t flags = TCP_ACK;
	enum status status;

	if (is_fin)
		flags |= TCP_FIN;
	if (text > 0 &&
		(from + text == c->snd_end || congestion_left(c) < text + c->congestion.mss))
		flags |= TCP_PSH;
	status = tcp_emit(c, from, &text, flags);
	*to = from + text + (text == wanted && is_fin);
	return status;
}

/* Resends what the scoreboard holds for lost. False: something is in the way, nothing new may go. */
static bool send_lost(struct tcp_connection *c)
{
	struct tcp_sent *sent;

	while ((sent = tcp_flight_first_lost(c)) != NULL) {
		uint32_t left = congestion_left(c), length = sent->end - sent->start, end;

		if (left < c->congestion.mss && tcp_in_flight(c) > 0)
			return false;
		if (must_wait(c))
			return false;
		if (length > left && length > c->congestion.mss)
			length = left > c->congestion.mss ? left - left % c->congestion.mss
							  : c->congestion.mss;
		if (length > BURST_MOST)
			length = BURST_MOST;
		end = sent->start + length;
		if (send_range(c, sent->start, &end) != OK ||
			!tcp_flight_retransmit(c, sent, end - sent->start)) {
			retry_soon(c, TCP_ALARM_REORDER);
			return false;
		}
		tcp_path_probe_repeated(c, sent->start, end);
		paced(c, length);
		c->retransmissions++;
		c->flight->undo_repeats++;
		c->flight->prr_sent += end - sent->start;
		if (c->flight->is_first_repeat_pending) {
			c->flight->is_first_repeat_pending = false;
			c->flight->undo_stamp = tcp_now_ms(c->host) + c->stamp_offset;
		}
	}
	return true;
}

/* May a segment that is not full leave (RFC 9293 3.8.6.2.1, 3.7.4)? */
static bool may_send_small(const struct tcp_connection *c, uint32_t text, uint32_t queued)
{
	if (text <
		queued) /* the window cut it: wait for a larger one, unless it is large already */
		return c->snd_wnd_most > 0 && text >= c->snd_wnd_most / 2;
	if (c->is_shut)
		return true;
	if (c->is_corked)
		return false;
	/* Nagle, as Minshall amends it: one small segment may be out. */
	return c->is_no_delay || c->snd_una == c->snd_nxt ||
	       !sequence_after(c->small_end, c->snd_una);
}

/* How much of the queue leaves in the next frame; 0: nothing may. */
static uint32_t next_length(struct tcp_connection *c)
{
	uint32_t queued = c->snd_end - c->snd_nxt, text = queued, left = tcp_window_left(c);
	uint32_t mss = tcp_text_now(c), most = BURST_MOST - BURST_MOST % mss;

	if (text > left)
		text = left;
	if (text > most)
		text = most;
	left = congestion_left(c);
	if (text > left) {
		c->is_window_limited = true;
		if (left < mss && tcp_in_flight(c) > 0)
			return 0;
		text = left > mss ? left : (text < mss ? text : mss);
	}
	if (c->is_reduced &&
		text > mss) /* CWR stands on one segment, and the device would repeat it */
		text = mss;
	if (text >= mss && (text % mss == 0 || text < queued))
		return text - text % mss;
	if (text >= mss) /* with a tail that is not full */
		return may_send_small(c, text % mss, text % mss) ? text : text - text % mss;
	return text > 0 && may_send_small(c, text, queued) ? text : 0;
}

static bool send_new(struct tcp_connection *c, uint32_t text)
{
	uint32_t start = c->snd_nxt, end = start + text;

	if (end == c->snd_end)
		end = end_of(c);
	if (!tcp_flight_add(c, start, end))
		return false;
	if (send_range(c, start, &end) != OK || end == start) {
		tcp_flight_retract(c, start);
		return false;
	}
	tcp_flight_retract(c, end);
	if (text % tcp_text_now(c) != 0)
		c->small_end = end;
	c->snd_nxt = end;
	if (c->alarm == TCP_ALARM_PROBE) /* RFC 8985 7.2: it counts from the last sending */
		tcp_alarm_restart(c);
	c->flight->prr_sent += end - start;
	paced(c, end - start);
	return true;
}

/* One segment larger than the path is known to take, now and then. */
static void probe_path(struct tcp_connection *c)
{
	uint32_t left = tcp_window_left(c), most = congestion_left(c), start = c->snd_nxt;
	uint32_t queued = c->snd_end - c->snd_nxt;
	uint16_t mss, before;

	most = most < left ? most : left;
	mss = tcp_path_probe_mss(c, most < queued ? most : queued);
	if (mss == 0)
		return;
	before = c->mss;
	c->mss = mss;
	if (send_new(c, tcp_text_now(c)))
		tcp_path_probe_sent(c, mss, start, c->snd_nxt);
	c->mss = before;
}

static void send_all_new(struct tcp_connection *c)
{
	uint32_t text;

	c->is_window_limited = false;
	if (c->mss < c->mss_asked)
		probe_path(c);
	while (sequence_before(c->snd_nxt, c->snd_end) && (text = next_length(c)) > 0) {
		if (must_wait(c)) { /* for the pace, not for want of text: the window may grow */
			c->is_window_limited = true;
			return;
		}
		if (!send_new(c, text)) {
			retry_soon(c, TCP_ALARM_PERSIST);
			return;
		}
	}
	/* A FIN alone needs no window: SND.NXT may stand at its edge. */
	if (c->is_shut && c->snd_nxt == c->snd_end && !send_new(c, 0))
		retry_soon(c, TCP_ALARM_PERSIST);
}

void tcp_window_probe(struct tcp_connection *c)
{
	uint32_t left = tcp_window_left(c), end;
	uint32_t most = sequence_before(c->snd_nxt, c->snd_end) ? c->snd_end - c->snd_nxt : 0;
	struct tcp_sent *first = c->flight != NULL ? c->flight->first : NULL;

	count(&tx_probes);
	if (first != NULL) { /* the window was shrunk, or the last probe is unanswered */
		end = first->start + 1;
		if (send_range(c, first->start, &end) == OK)
			tcp_flight_retransmit(c, first, 1);
	} else if (most > 0) {
		left = left > c->congestion.mss ? c->congestion.mss : left;
		send_new(c, left > most ? most : (left > 0 ? left : 1));
	}
	c->alarm = TCP_ALARM_PERSIST;
	c->alarm_at = tcp_now(c->host) + tcp_rto(c);
}

/* --- SYNs, which no queue or record knows --- */

static void send_syn(struct tcp_connection *c)
{
	uint8_t flags = c->flow.ends.state == TCP_SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK;
	uint32_t none = 0;

	if (c->backoff >= 2) /* some boxes drop what they don't know: RFC 3168 6.1.1.1 */
		c->has_ecn = false;
	tcp_emit(c, c->iss, &none, flags);
	c->snd_nxt = c->iss + 1;
	c->alarm = TCP_ALARM_RTO;
	c->alarm_at = tcp_now(c->host) + tcp_rto(c);
}

/* --- alarms --- */

void tcp_alarm_restart(struct tcp_connection *c)
{
	c->alarm = TCP_ALARM_NONE;
	c->alarm_at = FOREVER;
}

/* What is out needs an alarm; what can't leave, too. */
static void set_alarm(struct tcp_connection *c)
{
	instant probe;

	if (c->alarm != TCP_ALARM_NONE)
		return;
	if (c->snd_una == c->snd_nxt) {
		if (!sequence_before(c->snd_una, c->snd_end) || c->is_pacing || c->is_corked)
			return;
		c->alarm = TCP_ALARM_PERSIST;
		c->alarm_at = tcp_now(c->host) + tcp_rto(c);
		return;
	}
	probe = tcp_probe_when(c);
	c->alarm = probe != FOREVER ? TCP_ALARM_PROBE : TCP_ALARM_RTO;
	c->alarm_at = probe != FOREVER ? probe : tcp_now(c->host) + tcp_rto(c);
}

static bool may_send_text(const struct tcp_connection *c)
{
	switch (c->flow.ends.state) {
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
	case TCP_FIN_WAIT_1:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		return true;
	}
	return false;
}

/* Idle for longer than a timeout: the window has to be earned again (RFC 5681 4.1). */
static void restart_idle(struct tcp_connection *c)
{
	duration idle = MILLISECONDS(tcp_now_ms(c->host) - c->progress_ms);

	if (c->snd_una == c->snd_nxt && sequence_before(c->snd_nxt, c->snd_end) &&
		idle > tcp_rto(c) && c->control->idled != NULL)
		c->control->idled(&c->congestion, idle, tcp_now(c->host));
}

void tcp_output(struct tcp_connection *c)
{
	c->is_pacing = false;
	if (c->flow.ends.state == TCP_SYN_SENT || c->flow.ends.state == TCP_SYN_RECEIVED) {
		if (c->alarm == TCP_ALARM_NONE)
			send_syn(c);
		else if (c->is_ack_now)
			tcp_emit_ack(c);
	} else if (may_send_text(c)) {
		restart_idle(c);
		if (send_lost(c))
			send_all_new(c);
		set_alarm(c);
	}
	if (c->is_ack_now && c->flow.ends.state > TCP_SYN_SENT)
		tcp_emit_ack(c);
	tcp_deadline_sync(c);
}

void tcp_connection_due(struct tcp_connection *c)
{
	struct tcp_host *host = c->host;

	if (!host->is_in_batch) {
		tcp_output(c);
		return;
	}
	if (c->is_due)
		return;
	c->is_due = true;
	c->next_due = NULL;
	*host->due_end = c;
	host->due_end = &c->next_due;
}
