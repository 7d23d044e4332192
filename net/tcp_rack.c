/*
 * RACK-TLP (RFC 8985): loss by time. What was sent long enough before something that has arrived is lost;
 * "long enough" is a reordering window that grows where the network reorders. A probe draws an ACK when
 * the last segments of a burst may be lost and nothing would tell.
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

COUNTER(probes, "tcp.tx_tail_probes", "tail loss probes sent");

#define STEPS_MOST	 16
#define PERSIST		 16
#define DUPLICATES	 3
#define PROBE_DELAY_MOST MILLISECONDS(200) /* WCDelAckT, 7.2 */

/* --- 6: RACK --- */

/* Steps 1 and 2: the newest of what was delivered. */
void tcp_rack_update(struct tcp_connection *c, const struct tcp_news *news)
{
	struct tcp_flight *f = c->flight;
	duration rtt;

	if (news->is_repeat_told && !sequence_before(c->snd_una, f->rack_round)) { /* step 4 */
		f->rack_round = c->snd_nxt;
		if (f->rack_steps < STEPS_MOST)
			f->rack_steps++;
		f->rack_persist = PERSIST;
	}
	if (!news->has_sample)
		return;
	rtt = tcp_now(c->host) - news->sampled_sent_at;
	/* An ACK so soon after the repeat is the first sending's. */
	if (news->is_sample_retransmitted &&
		(rtt < MICROSECONDS(c->rtt_least_us) ||
			(news->has_stamp && sequence_before(news->stamp_echo,
						    (uint32_t)(news->sampled_sent_at / 1000000) +
							    c->stamp_offset))))
		return;
	if (news->sampled_sent_at > f->rack_sent_at ||
		(news->sampled_sent_at == f->rack_sent_at &&
			sequence_after(news->sampled_end, f->rack_end))) {
		f->rack_sent_at = news->sampled_sent_at;
		f->rack_end = news->sampled_end;
		f->rack_rtt_us = (uint32_t)(rtt / 1000);
	}
}

/* Step 4. */
static duration reordering_window(const struct tcp_connection *c)
{
	const struct tcp_flight *f = c->flight;
	uint64_t us;

	if (!c->is_reordering_seen &&
		(f->phase != TCP_PHASE_OPEN || f->sacked_bytes >= DUPLICATES * c->congestion.mss))
		return 0;
	us = (uint64_t)c->rtt_least_us * f->rack_steps / 4;
	return MICROSECONDS(us < c->rtt_us ? us : c->rtt_us);
}

/* Was `sent` sent before what has arrived? */
static bool is_before_delivered(const struct tcp_flight *f, const struct tcp_sent *sent)
{
	return sent->sent_at < f->rack_sent_at ||
	       (sent->sent_at == f->rack_sent_at && sequence_before(sent->end, f->rack_end));
}

/* Step 5. Records stand in the order in which they were sent, so the first too young one ends it. */
instant tcp_rack_detect(struct tcp_connection *c)
{
	struct tcp_flight *f = c->flight;
	duration patience = MICROSECONDS(f->rack_rtt_us) + reordering_window(c);
	instant now = tcp_now(c->host), again = FOREVER;

	for (struct tcp_sent *sent = f->earliest; sent != NULL; sent = sent->later) {
		instant due = sent->sent_at + patience;

		if (!is_before_delivered(f, sent))
			break;
		if (sent->is_sacked || sent->is_lost)
			continue;
		if (due <= now)
			tcp_flight_mark_lost(c, sent);
		else if (due > again || again == FOREVER)
			again = due;
	}
	return again;
}

/* --- 7: TLP --- */

instant tcp_probe_when(const struct tcp_connection *c)
{
	const struct tcp_flight *f = c->flight;
	duration wait, rto = tcp_rto(c);

	if (!c->has_sack || f == NULL || f->phase != TCP_PHASE_OPEN || f->sacked_bytes > 0 ||
		f->is_probe_out || c->backoff > 0 || c->rtt_us == 0 || c->snd_wnd == 0)
		return FOREVER;
	wait = 2 * MICROSECONDS(c->rtt_us);
	if (c->snd_nxt - c->snd_una <= c->congestion.mss)
		wait += PROBE_DELAY_MOST;
	else
		wait += MILLISECONDS(2);
	return wait < rto ? tcp_now(c->host) + wait : FOREVER;
}

/* New text if there is some, else the last segment again. */
void tcp_probe_send(struct tcp_connection *c)
{
	struct tcp_flight *f = c->flight;
	uint32_t before = c->snd_nxt, window = c->congestion.window;
	struct tcp_sent *last;

	c->alarm = TCP_ALARM_RTO;
	c->alarm_at = tcp_now(c->host) + tcp_rto(c);
	if (f == NULL || f->last == NULL)
		return;
	count(&probes);
	f->is_probe_out = true;
	f->is_probe_repeat = false;
	c->congestion.window += c->congestion.mss;
	tcp_output(c);
	c->congestion.window = window;
	if (c->flight == NULL || c->snd_nxt != before) {
		f->probe_end = c->snd_nxt;
		return;
	}
	last = f->last;
	if (last->end - last->start > c->congestion.mss)
		last = tcp_flight_split(c, last, last->end - c->congestion.mss);
	if (last == NULL || last->is_sacked)
		return;
	f->is_probe_repeat = true;
	f->probe_end = last->end;
	tcp_flight_mark_lost(c, last); /* so that it leaves, window or not */
	c->congestion.window = tcp_in_flight(c) + c->congestion.mss;
	tcp_output(c);
	c->congestion.window = window;
}

/* 7.4: an ACK beyond the probe. If it was a repeat and no DSACK tells that it came twice, it has mended a
 * loss that the controller must hear of. */
void tcp_probe_acknowledged(struct tcp_connection *c, uint32_t ack, bool is_repeat_told)
{
	struct tcp_flight *f = c->flight;

	if (!f->is_probe_out || sequence_before(ack, f->probe_end))
		return;
	f->is_probe_out = false;
	if (f->is_probe_repeat && !is_repeat_told && f->phase == TCP_PHASE_OPEN) {
		c->control->reduced(&c->congestion, c->snd_nxt - c->snd_una + c->congestion.mss,
			false, tcp_now(c->host));
		c->congestion.window = c->congestion.threshold;
	}
}
