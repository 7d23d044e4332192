/*
 * Recovery: from what is lost to what may be sent.
 *
 *               something is lost (RACK, or three duplicate ACKs without SACK)
 *     OPEN ------------------------------------------------------------> RECOVERY
 *       ^  \                                                            /   |
 *       |   \ timeout        LOSS <------------------- timeout --------'    |
 *       +----+---------------'  recovery point acknowledged, or all of it --+
 *                               turns out to have been for nothing
 *
 * In RECOVERY proportional rate reduction (RFC 6937) sets the window with each ACK, and leaves it at the
 * threshold that the controller chose. In LOSS slow start begins anew. Detection by time stamps (Eifel,
 * RFC 3522), by DSACK (RFC 3708) and by new text after a timeout (F-RTO, net/tcp_frto.c) undoes a reduction
 * that reordering or a delay has caused.
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

#define DUPLICATES 3 /* RFC 5681 3.2 */

/* Timeouts in a row after which the path may be a black hole; one that has carried full segments is more
 * likely slow, or loses much. */
#define SILENCE		    2
#define SILENCE_AFTER_PROOF 5
#define SILENCE_LONG_MS	    30000 /* where timeouts are that long, few must do */

COUNTER(recoveries, "tcp.recoveries", "fast recoveries begun");
COUNTER(undone, "tcp.recoveries_undone",
	"recoveries and timeouts that turned out to be for nothing");
COUNTER(marks, "tcp.rx_ecn_echoes", "windows reduced because the network marked a segment");
COUNTER(reneged, "tcp.rx_reneged",
	"timeouts whose peer had dropped what it had selectively told of");

static void save_for_undo(struct tcp_connection *c)
{
	struct tcp_flight *f = c->flight;

	f->undo_window = c->congestion.window;
	f->undo_threshold = c->congestion.threshold;
	f->undo_repeats = 0;
	f->is_undo_possible = f->is_first_repeat_pending = true;
}

static void enter_recovery(struct tcp_connection *c)
{
	struct tcp_flight *f = c->flight;
	uint32_t out = c->snd_nxt - c->snd_una;

	count(&recoveries);
	c->recoveries++;
	save_for_undo(c);
	f->phase = TCP_PHASE_RECOVERY;
	f->recovery_point = c->snd_nxt;
	f->prr_from = out > 0 ? out : 1;
	f->prr_delivered = f->prr_sent = 0;
	c->control->reduced(&c->congestion, out, false, tcp_now(c->host));
}

static void leave(struct tcp_connection *c)
{
	struct tcp_flight *f = c->flight;

	if (f->phase == TCP_PHASE_RECOVERY)
		c->congestion.window = c->congestion.threshold;
	f->phase = TCP_PHASE_OPEN;
	f->frto = TCP_FRTO_OFF;
	f->is_undo_possible = false;
	f->duplicates = 0;
	f->duplicate_bytes = 0;
	if (f->rack_persist > 0 && --f->rack_persist == 0) /* RFC 8985 6.2 step 4 */
		f->rack_steps = 1;
}

/* --- for nothing? --- */

void tcp_recovery_forgive(struct tcp_connection *c)
{
	struct tcp_flight *f = c->flight;

	if (c->congestion.window < f->undo_window)
		c->congestion.window = f->undo_window;
	c->congestion.threshold = f->undo_threshold;
	f->phase = TCP_PHASE_OPEN;
	f->frto = TCP_FRTO_OFF;
	f->is_undo_possible = false;
	f->duplicates = 0;
	f->duplicate_bytes = 0;
	if (c->control->undone != NULL)
		c->control->undone(&c->congestion, tcp_now(c->host));
}

static void undo(struct tcp_connection *c)
{
	count(&undone);
	c->spurious++;
	tcp_recovery_forgive(c);
	tcp_flight_none_lost(c);
}

/* RFC 3522 3.2: the ACK of what was sent again echoes the time of its first sending. */
static bool first_sending_arrived(const struct tcp_connection *c, const struct tcp_news *news)
{
	const struct tcp_flight *f = c->flight;

	return news->acknowledged > 0 && news->has_stamp && !f->is_first_repeat_pending &&
	       sequence_before(news->stamp_echo, f->undo_stamp);
}

static bool is_for_nothing(struct tcp_connection *c, const struct tcp_news *news)
{
	struct tcp_flight *f = c->flight;

	if (!f->is_undo_possible)
		return false;
	if (first_sending_arrived(c, news) || tcp_frto_acknowledged(c, news))
		return true;
	/* The ACK after the first repeat decides: later ones tell nothing about it. */
	if (news->is_repeat_told && f->undo_repeats > 0 && --f->undo_repeats == 0)
		return !f->is_first_repeat_pending;
	return false;
}

/* --- without SACK: RFC 6582 --- */

static void mark_first_lost(struct tcp_connection *c)
{
	struct tcp_sent *first = c->flight->first;

	if (first == NULL || first->is_lost)
		return;
	if (first->end - first->start > c->congestion.mss &&
		tcp_flight_split(c, first, first->start + c->congestion.mss) == NULL)
		return;
	tcp_flight_mark_lost(c, first);
}

/* Returns what the ACK says has left the network. */
static uint32_t count_duplicates(struct tcp_connection *c, const struct tcp_news *news)
{
	struct tcp_flight *f = c->flight;
	uint32_t mss = c->congestion.mss, credit;

	if (news->acknowledged > 0) {
		f->duplicates = 0;
		credit = f->duplicate_bytes;
		f->duplicate_bytes = credit > news->acknowledged ? credit - news->acknowledged : 0;
		if (f->phase ==
			TCP_PHASE_RECOVERY) /* a partial ACK: the next one is missing, too */
			mark_first_lost(c);
		return news->acknowledged > credit ? news->acknowledged - credit : 0;
	}
	if (!news->is_duplicate)
		return 0;
	if (f->duplicates < 255)
		f->duplicates++;
	if (f->duplicate_bytes + mss < c->snd_nxt - c->snd_una)
		f->duplicate_bytes += mss;
	/* Not again for losses of the same window: RFC 6582 3.2 step 2. */
	if (f->duplicates == DUPLICATES && f->phase == TCP_PHASE_OPEN &&
		!sequence_before(c->snd_una, f->recovery_point))
		mark_first_lost(c);
	return mss;
}

/* --- windows --- */

/* RFC 6937 3. */
static void reduce_rate(struct tcp_connection *c, uint32_t delivered, bool is_progress)
{
	struct tcp_flight *f = c->flight;
	uint32_t pipe = tcp_in_flight(c), threshold = c->congestion.threshold;
	uint64_t budget;

	f->prr_delivered += delivered;
	if (pipe > threshold) {
		budget = ((uint64_t)f->prr_delivered * threshold + f->prr_from - 1) / f->prr_from;
		budget = budget > f->prr_sent ? budget - f->prr_sent : 0;
	} else {
		uint32_t behind =
			f->prr_delivered > f->prr_sent ? f->prr_delivered - f->prr_sent : 0;

		budget = behind > delivered ? behind : delivered;
		if (is_progress)
			budget += c->congestion.mss;
		if (budget > threshold - pipe)
			budget = threshold - pipe;
	}
	if (f->prr_sent == 0 && budget < c->congestion.mss) /* the fast retransmission itself */
		budget = c->congestion.mss;
	c->congestion.window = pipe + (uint32_t)budget;
}

static void grow(struct tcp_connection *c, const struct tcp_news *news)
{
	if (news->acknowledged > 0 && c->is_window_limited)
		c->control->acknowledged(&c->congestion, news->acknowledged, tcp_now(c->host));
}

static void set_reorder_alarm(struct tcp_connection *c, instant when)
{
	if (when == FOREVER || c->flight->first == NULL)
		return;
	c->alarm = TCP_ALARM_REORDER;
	c->alarm_at = when;
}

void tcp_recovery_acknowledged(struct tcp_connection *c, const struct tcp_news *news)
{
	struct tcp_flight *f = c->flight;
	uint32_t delivered = news->delivered;
	instant again = FOREVER;

	if (f == NULL)
		return;
	tcp_probe_acknowledged(c, news->ack, news->is_repeat_told);
	if (f->phase != TCP_PHASE_OPEN && is_for_nothing(c, news))
		undo(c);
	if (f->phase != TCP_PHASE_OPEN && !sequence_before(c->snd_una, f->recovery_point))
		leave(c);
	if (c->has_sack) {
		tcp_rack_update(c, news);
		if (f->frto != TCP_FRTO_NEW_SENT &&
			(f->sacked_bytes > 0 || f->phase != TCP_PHASE_OPEN ||
				c->is_reordering_seen))
			again = tcp_rack_detect(c);
	} else {
		delivered = count_duplicates(c, news);
	}
	if (f->phase == TCP_PHASE_OPEN && f->lost_bytes > 0)
		enter_recovery(c);
	if (f->phase == TCP_PHASE_RECOVERY)
		reduce_rate(c, delivered, news->acknowledged > 0);
	else if (f->frto != TCP_FRTO_NEW_SENT)
		grow(c, news);
	set_reorder_alarm(c, again);
}

void tcp_recovery_reordered(struct tcp_connection *c)
{
	instant again;

	if (c->flight == NULL)
		return;
	again = tcp_rack_detect(c);
	if (c->flight->phase == TCP_PHASE_OPEN && c->flight->lost_bytes > 0) {
		enter_recovery(c);
		reduce_rate(c, 0, false);
	}
	set_reorder_alarm(c, again);
}

static bool is_silent(const struct tcp_connection *c)
{
	bool is_long = tcp_now_ms(c->host) - c->progress_ms > SILENCE_LONG_MS;

	return c->backoff >= (c->is_size_proven && !is_long ? SILENCE_AFTER_PROOF : SILENCE);
}

/* RFC 5681 3.1 (4), RFC 6298 5.4 and 5.5. */
void tcp_recovery_timed_out(struct tcp_connection *c)
{
	struct tcp_flight *f = c->flight;
	uint32_t out = tcp_in_flight(c);

	if (f == NULL || f->first == NULL)
		return;
	c->timeouts++;
	tcp_frto_begin(c, f->phase != TCP_PHASE_LOSS);
	if (f->phase != TCP_PHASE_LOSS) {
		save_for_undo(c);
		c->control->timed_out(&c->congestion, out, tcp_now(c->host));
	}
	/* RFC 2018 8: the first one can't be there if it wasn't acknowledged. */
	if (f->first->is_sacked) {
		count(&reneged);
		for (struct tcp_sent *sent = f->first; sent != NULL; sent = sent->next)
			sent->is_sacked = false;
		f->sacked_bytes = 0;
		f->sacked_end = c->snd_una;
	}
	f->phase = TCP_PHASE_LOSS;
	f->recovery_point = c->snd_nxt;
	f->duplicates = 0;
	c->congestion.window = c->congestion.mss;
	c->flight->pace_at = 0;
	tcp_flight_all_lost(c);
	/* RFC 4821 7.7, RFC 2923: is it the large segments that vanish? */
	if (is_silent(c))
		tcp_path_suspect(c);
}

/* ECE: as a loss, without anything to send again (RFC 3168 6.1.2). */
void tcp_recovery_mark(struct tcp_connection *c)
{
	struct tcp_flight *f = c->flight;

	if (f == NULL || f->phase != TCP_PHASE_OPEN || sequence_before(c->snd_una, f->mark_point))
		return;
	count(&marks);
	f->mark_point = c->snd_nxt;
	c->control->reduced(&c->congestion, c->snd_nxt - c->snd_una, true, tcp_now(c->host));
	c->congestion.window = c->congestion.threshold;
	c->is_reduced = true;
}
