/*
 * "Fifth, check the ACK field": what arrived there, what is the peer's window now, and what follows for
 * the state.
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

COUNTER(rx_bad_ack, "tcp.rx_bad_ack",
	"segments dropped: they acknowledge what can't be (RFC 5961 5)");
COUNTER(rx_bad_sack, "tcp.rx_bad_sack", "SACK blocks ignored: outside of what was sent");

/* RFC 5961 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT. */
static bool is_plausible(const struct tcp_connection *c, uint32_t ack)
{
	return !sequence_after(ack, c->snd_nxt) &&
	       !sequence_before(ack, c->snd_una - c->snd_wnd_most);
}

/* RFC 2883 4: the first block tells of a repeat if it is acknowledged, or inside the second. */
static bool is_repeat(const struct tcp_options *options, uint32_t ack)
{
	const struct tcp_block *first = &options->blocks[0], *second = &options->blocks[1];

	if (options->block_count == 0)
		return false;
	if (!sequence_after(first->end, ack))
		return true;
	return options->block_count > 1 && !sequence_before(first->start, second->start) &&
	       !sequence_after(first->end, second->end);
}

static void read_blocks(
	struct tcp_connection *c, const struct tcp_segment *s, struct tcp_news *news)
{
	const struct tcp_options *options = &s->options;

	news->is_repeat_told = is_repeat(options, news->ack);
	for (unsigned i = news->is_repeat_told; i < options->block_count; i++) {
		struct tcp_block block = options->blocks[i];

		if (!sequence_before(block.start, block.end) ||
			sequence_before(block.start, news->ack) ||
			sequence_after(block.end, c->snd_nxt)) {
			count(&rx_bad_sack);
			continue;
		}
		news->has_blocks = true;
		tcp_flight_sack(c, block, news);
	}
}

/* SND.WL1 and SND.WL2 keep old segments from being taken for news. True: the window changed. */
static bool update_window(struct tcp_connection *c, const struct tcp_segment *s)
{
	uint32_t window = (uint32_t)s->header.window << c->send_scale, before = c->snd_wnd;

	if (sequence_after(c->snd_wl1, s->header.sequence) ||
		(c->snd_wl1 == s->header.sequence &&
			sequence_after(c->snd_wl2, s->header.acknowledgment)))
		return false;
	c->snd_wnd = window;
	c->snd_wl1 = s->header.sequence;
	c->snd_wl2 = s->header.acknowledgment;
	if (window > c->snd_wnd_most)
		c->snd_wnd_most = window;
	return window != before;
}

/* After the window opened, or an answer to a probe. */
static void window_news(struct tcp_connection *c)
{
	/* RFC 9293 3.8.6.1: it may stay closed for ever, unless memory is short (RFC 6429). */
	if (c->snd_wnd == 0 && c->is_owned && !tcp_memory_is_short(c->host))
		c->progress_ms = tcp_now_ms(c->host);
	if (c->alarm == TCP_ALARM_PERSIST && tcp_window_left(c) > 0) {
		c->backoff = 0;
		tcp_alarm_restart(c);
	}
	tcp_connection_due(c);
}

/* One round trip, from what was delivered last or from the time stamp (RFC 7323 4). */
static void sample(struct tcp_connection *c, struct tcp_news *news)
{
	news->rtt = -1;
	if (news->has_sample && !news->is_sample_retransmitted)
		news->rtt = tcp_now(c->host) - news->sampled_sent_at;
	else if (news->acknowledged > 0 && news->has_stamp && news->stamp_echo != 0 &&
		 !news->is_repeat_told) /* what came twice isn't echoed */
		news->rtt =
			MILLISECONDS(tcp_now_ms(c->host) - (news->stamp_echo - c->stamp_offset));
	/* Backed off still: only SACK blocks came, and what they tell of may have arrived long ago. */
	if (news->rtt < 0 || news->rtt > TCP_RTO_MOST || c->backoff > 0)
		return;
	tcp_rto_sample(c, news->rtt);
}

/* SND.UNA moves. */
static void advance(struct tcp_connection *c, struct tcp_news *news)
{
	tcp_flight_acknowledge(c, news->ack, news);
	tcp_path_probe_acknowledged(c, news->ack);
	tcp_chunks_acknowledge(c, sequence_min(news->ack, c->snd_end));
	c->bytes_acknowledged += news->acknowledged;
	c->snd_una = news->ack;
	c->progress_ms = tcp_now_ms(c->host);
	c->backoff = 0;
	tcp_alarm_restart(c);
	tcp_connection_news(c);
}

/* What the ACK of our FIN changes. False: the connection is over. */
static bool fin_is_acknowledged(struct tcp_connection *c)
{
	switch (c->flow.ends.state) {
	case TCP_FIN_WAIT_1:
		c->flow.ends.state = TCP_FIN_WAIT_2;
		tcp_idle_restart(c);
		return true;
	case TCP_CLOSING:
		tcp_waiting_begin(c);
		return false;
	case TCP_LAST_ACK:
		tcp_connection_die(c, CLOSED);
		return false;
	}
	return true;
}

static bool syn_received_ack(struct tcp_connection *c, const struct tcp_segment *s)
{
	if (s->header.acknowledgment != c->iss + 1) {
		tcp_emit_reset(c->host, s);
		return false;
	}
	c->snd_una = c->iss + 1;
	c->snd_wnd = c->snd_wnd_most = (uint32_t)s->header.window << c->send_scale;
	c->snd_wl1 = s->header.sequence;
	c->snd_wl2 = s->header.acknowledgment;
	tcp_connection_established(c);
	if (c->is_shut)
		c->flow.ends.state = TCP_FIN_WAIT_1;
	tcp_connection_due(c);
	return true;
}

bool tcp_ack_input(struct tcp_connection *c, struct tcp_segment *s)
{
	struct tcp_news news = {
		.ack = s->header.acknowledgment,
		.has_stamp = c->has_stamps && s->options.has_timestamp,
		.stamp_echo = s->options.timestamp_echo,
	};
	bool is_update;

	if (!(s->header.flags & TCP_ACK)) {
		tcp_ignored();
		return false;
	}
	if (c->flow.ends.state == TCP_SYN_RECEIVED && !syn_received_ack(c, s))
		return false;
	if (!is_plausible(c, news.ack)) {
		count(&rx_bad_ack);
		tcp_emit_challenge(c);
		return false;
	}
	is_update = update_window(c, s);
	if (c->has_sack && s->options.block_count > 0)
		read_blocks(c, s, &news);
	news.is_duplicate = news.ack == c->snd_una && s->text == 0 && !is_update &&
			    c->snd_una != c->snd_nxt && !(s->header.flags & TCP_FIN);
	if (sequence_after(news.ack, c->snd_una)) {
		news.acknowledged = news.ack - c->snd_una;
		advance(c, &news);
	}
	sample(c, &news);
	if (s->header.flags & TCP_ECE && c->has_ecn)
		tcp_recovery_mark(c);
	tcp_recovery_acknowledged(c, &news);
	tcp_flight_tidy(c);
	if (is_update || c->snd_wnd == 0)
		window_news(c);
	if (news.delivered > 0 || news.is_duplicate)
		tcp_connection_due(c);
	if (c->is_shut && c->snd_una == c->snd_end + 1)
		return fin_is_acknowledged(c);
	return true;
}
