/*
 * A segment arrives: RFC 9293 3.10.7, whose step names are quoted beside the lines.
 */
#include "diatom/counter.h"
#include "net/ip.h"
#include "net/linear.h"
#include "net/packet_sum.h"
#include "net/tcp_inner.h"

COUNTER(rx_segments, "tcp.rx_segments",
	"segments received; one that the device merged counts once");
COUNTER(rx_malformed, "tcp.rx_malformed", "segments dropped: header or options are wrong");
COUNTER(rx_bad_checksum, "tcp.rx_bad_checksum", "segments dropped: checksum is wrong");
COUNTER(rx_for_group, "tcp.rx_for_group", "segments dropped: to a broadcast address, or port 0");
COUNTER(rx_no_port, "tcp.rx_no_port", "segments refused: nobody listens there");
COUNTER(rx_unacceptable, "tcp.rx_unacceptable", "segments dropped: outside the window");
COUNTER(rx_window_closed, "tcp.rx_window_closed", "texts dropped: into a closed window");
COUNTER(rx_old_stamp, "tcp.rx_old_stamp", "segments dropped: their time stamp is old (PAWS)");
COUNTER(rx_no_stamp, "tcp.rx_no_stamp", "segments dropped: they lack the time stamp agreed on");
COUNTER(rx_bad_reset, "tcp.rx_bad_reset", "resets not believed: not at the expected number");
COUNTER(rx_ignored, "tcp.rx_ignored", "segments dropped or reset: of no use in the flow's state");
COUNTER(rx_bad_syn, "tcp.rx_bad_syn", "SYNs not believed: in an established connection");

#define STAMP_MEMORY_MS (24u * 24 * 3600 * 1000) /* RFC 7323 5.5 */

/* --- decode --- */

static bool checksum_is_fine(const struct packet *packet, const struct tcp_ends *ends)
{
	if (packet->flags & (PACKET_CHECKSUM_VALID | PACKET_CHECKSUM_PARTIAL))
		return true;
	return checksum_is_good(packet_sum(tcp_ip_pseudo_sum(ends, packet->total_length), packet));
}

/* Fills `s` from the packet, whose `data` moves to the text. False: counted. */
static bool decode(struct tcp_segment *s, const struct ip_arrival *arrival)
{
	struct packet *packet = s->packet;
	struct view options;

	if (!tcp_parse(&s->header, packet_view(packet))) {
		count(&rx_malformed);
		return false;
	}
	tcp_ip_decode(s, arrival);
	if (s->is_for_group || s->ends.local_port == 0 || s->ends.remote_port == 0) {
		count(&rx_for_group);
		return false;
	}
	if (!checksum_is_fine(packet, &s->ends)) {
		count(&rx_bad_checksum);
		return false;
	}
	options = view_part(
		packet_view(packet), TCP_HEADER_BYTES, s->header.header_length - TCP_HEADER_BYTES);
	if (!tcp_options_parse(&s->options, options))
		count(&rx_malformed); /* what stood before it counts */
	packet_pull(packet, s->header.header_length);
	s->text = packet->total_length;
	return true;
}

void tcp_ignored(void)
{
	count(&rx_ignored);
}

/* --- CLOSED, LISTEN, and who else there is --- */

static void no_connection_input(struct tcp_host *host, struct tcp_segment *s)
{
	struct tcp_port *port = tcp_port_find(host, s->ends.local_port);

	if (port != NULL) {
		tcp_listen_input(host, port, s);
		return;
	}
	count(&rx_no_port);
	tcp_emit_reset(host, s); /* 3.10.7.1 */
}

static void dispatch(struct tcp_host *host, struct tcp_segment *s)
{
	struct tcp_flow *flow = tcp_flow_find(host, &s->ends);

	if (flow == NULL) {
		no_connection_input(host, s);
		return;
	}
	switch ((enum tcp_kind)flow->ends.kind) {
	case TCP_KIND_CONNECTION:
		tcp_connection_input((struct tcp_connection *)flow, s);
		break;
	case TCP_KIND_HALF_OPEN:
		tcp_half_open_input(host, (struct tcp_half_open *)flow, s);
		break;
	case TCP_KIND_WAITING:
		if (tcp_waiting_input(host, (struct tcp_waiting *)flow, s))
			no_connection_input(host, s);
		break;
	}
}

void tcp_input(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival)
{
	struct tcp_segment s = { .packet = packet };

	count(&rx_segments);
	if (packet->fragment != NULL && packet->length < TCP_HEADER_BYTES_MAX)
		s.packet = linear_from(packet, 0);
	if (s.packet == NULL)
		return;
	if (stack->tcp == NULL) {
		count(&rx_no_port); /* the program hasn't used it yet */
	} else if (decode(&s, arrival)) {
		stack->tcp->is_in_batch = true;
		dispatch(stack->tcp, &s);
	}
	packet_free(s.packet);
}

/* --- 3.10.7.3, SYN-SENT --- */

static void syn_sent_acknowledged(struct tcp_connection *c, const struct tcp_segment *s)
{
	uint32_t window = s->header.window; /* of a SYN: never scaled */

	c->snd_una = c->iss + 1;
	c->snd_wnd = c->snd_wnd_most = window;
	c->snd_wl1 = s->header.sequence;
	c->snd_wl2 = s->header.acknowledgment;
	if (c->backoff == 0 && s->options.has_timestamp)
		tcp_rto_sample(c, MILLISECONDS(tcp_now_ms(c->host) -
					       (s->options.timestamp_echo - c->stamp_offset)));
	tcp_connection_established(c);
	c->is_ack_now = true;
}

static void syn_sent_agree(struct tcp_connection *c, const struct tcp_segment *s)
{
	const struct tcp_options *options = &s->options;

	c->irs = s->header.sequence;
	c->rcv_nxt = c->rcv_edge = c->irs + 1;
	c->has_stamps = options->has_timestamp;
	c->has_sack = options->has_sack_permitted;
	if (c->has_stamps) {
		c->stamp_recent = options->timestamp;
		c->stamp_recent_ms = tcp_now_ms(c->host);
	}
	/* RFC 3168 6.1.1: a granting SYN-ACK has ECE alone. */
	if (!(s->header.flags & TCP_ECE) || s->header.flags & TCP_CWR)
		c->has_ecn = false;
	tcp_connection_agree(c, options->mss, options->has_scale, options->scale);
}

static void syn_sent_input(struct tcp_connection *c, struct tcp_segment *s)
{
	uint8_t flags = s->header.flags;
	uint32_t ack = s->header.acknowledgment;

	/* First, check the ACK bit. */
	if (flags & TCP_ACK && ack != c->iss + 1) {
		tcp_ignored();
		tcp_emit_reset(c->host, s);
		return;
	}
	/* Second, check the RST bit: only one that acknowledges our SYN is believed. */
	if (flags & TCP_RST) {
		if (flags & TCP_ACK)
			tcp_connection_die(c, REFUSED);
		else
			count(&rx_bad_reset);
		return;
	}
	/* Fourth, check the SYN bit. */
	if (!(flags & TCP_SYN)) {
		tcp_ignored();
		return;
	}
	syn_sent_agree(c, s);
	tcp_alarm_restart(c);
	if (flags & TCP_ACK) {
		syn_sent_acknowledged(c, s);
		/* Text or FIN on it: from the sixth step on. */
		s->header.sequence++;
		s->header.flags &= (uint8_t)~TCP_SYN;
		if (s->text > 0 || flags & TCP_FIN)
			tcp_text_input(c, s);
	} else {
		c->flow.ends.state = TCP_SYN_RECEIVED; /* simultaneous open */
		c->snd_wl1 = s->header.sequence;
	}
	tcp_connection_due(c);
}

/* --- 3.10.7.4 --- */

/* "First, check sequence number": the four cases of the table. */
static bool is_acceptable(const struct tcp_connection *c, const struct tcp_segment *s)
{
	uint32_t window = c->rcv_edge - c->rcv_nxt, start = s->header.sequence;
	uint32_t length = tcp_segment_end(s) - start;

	if (length == 0)
		return window == 0
			       ? start == c->rcv_nxt
			       : sequence_is_within(start, c->rcv_nxt, c->rcv_edge - 1) ||
					 start ==
						 c->rcv_edge; /* a probe right after a full window */
	if (window == 0)
		return false;
	/* It begins in the window, or what is expected next lies in it. */
	return sequence_is_within(start, c->rcv_nxt, c->rcv_edge - 1) ||
	       c->rcv_nxt - start < length;
}

/* "If the RCV.WND is zero, no segments will be acceptable, but special allowance should be made to accept valid
 * ACKs, URGs, and RSTs": without what comes with them. */
static void strip(struct tcp_connection *c, struct tcp_segment *s)
{
	if (tcp_segment_end(s) == c->rcv_nxt || s->header.flags & TCP_SYN)
		return;
	count(&rx_window_closed);
	packet_trim(s->packet, 0);
	s->text = 0;
	s->header.flags &= (uint8_t)~TCP_FIN;
	c->is_ack_now = true;
}

/* RFC 7323 5.3 R1, and 3.2 for segments without the option. False: dropped. */
static bool stamp_is_fine(struct tcp_connection *c, const struct tcp_segment *s)
{
	if (!c->has_stamps)
		return true;
	if (!s->options.has_timestamp) {
		if (s->header.flags & TCP_RST)
			return true;
		count(&rx_no_stamp);
		return false;
	}
	if (!sequence_before(s->options.timestamp, c->stamp_recent) || s->header.flags & TCP_RST ||
		tcp_now_ms(c->host) - c->stamp_recent_ms > STAMP_MEMORY_MS)
		return true;
	count(&rx_old_stamp);
	tcp_emit_challenge(c);
	return false;
}

/* R3: the stamp of the segment that stands at or before the last ACK is echoed. */
static void remember_stamp(struct tcp_connection *c, const struct tcp_segment *s)
{
	if (!c->has_stamps || !s->options.has_timestamp ||
		sequence_after(s->header.sequence, c->acked_at) ||
		sequence_before(s->options.timestamp, c->stamp_recent))
		return;
	c->stamp_recent = s->options.timestamp;
	c->stamp_recent_ms = tcp_now_ms(c->host);
}

/* Not acceptable: it is told where we are, and, when it brought text again, that (RFC 2883). */
static void unacceptable(struct tcp_connection *c, const struct tcp_segment *s)
{
	uint32_t end = tcp_segment_end(s);

	count(&rx_unacceptable);
	if (s->header.flags & TCP_RST)
		return;
	if (s->text == 0 || sequence_after(end, c->rcv_nxt)) {
		/* A keep-alive or window probe deserves its answer; an odd segment, rarely one. */
		if (s->header.sequence == c->rcv_nxt - 1 || s->text > 0)
			c->is_ack_now = true;
		else
			tcp_emit_challenge(c);
		tcp_connection_due(c);
		return;
	}
	tcp_reorder_twice(c, s->header.sequence, end);
	c->is_ack_now = true;
	tcp_connection_due(c);
}

/* "Second, check the RST bit", with RFC 5961 3.2. */
static void reset_input(struct tcp_connection *c, const struct tcp_segment *s)
{
	if (s->header.sequence != c->rcv_nxt) {
		count(&rx_bad_reset);
		tcp_emit_challenge(c);
		return;
	}
	/* After both FINs a reset only tells that the peer has forgotten us. */
	if (c->flow.ends.state == TCP_CLOSING || c->flow.ends.state == TCP_LAST_ACK)
		tcp_connection_die(c, CLOSED);
	else
		tcp_connection_die(c, REFUSED);
}

/* "Fourth, check the SYN bit", with RFC 5961 4.2: never believed here. */
static void syn_input(struct tcp_connection *c, const struct tcp_segment *s)
{
	count(&rx_bad_syn);
	/* The other half of a simultaneous open comes again when our SYN-ACK was lost. */
	if (c->flow.ends.state == TCP_SYN_RECEIVED && s->header.sequence == c->irs)
		tcp_alarm_restart(c);
	else
		tcp_emit_challenge(c);
	tcp_connection_due(c);
}

static void ecn_input(struct tcp_connection *c, const struct tcp_segment *s)
{
	if (s->header.flags & TCP_CWR)
		c->is_echoing_mark = false;
	if (s->is_marked && s->text > 0) {
		c->is_ack_now |= !c->is_echoing_mark;
		c->is_echoing_mark = true;
	}
}

void tcp_connection_input(struct tcp_connection *c, struct tcp_segment *s)
{
	/* It sends at the end of the batch, and stays until then even if it ends here. */
	tcp_connection_due(c);
	if (c->flow.ends.state == TCP_SYN_SENT) {
		syn_sent_input(c, s);
		return;
	}
	if (!stamp_is_fine(c, s))
		return;
	if (c->flow.ends.state == TCP_SYN_RECEIVED && s->header.flags & TCP_SYN) {
		/* A simultaneous open: their SYN-ACK comes with the number of their SYN. */
		if (s->header.sequence == c->irs && s->header.flags & TCP_ACK &&
			s->header.acknowledgment == c->snd_nxt) {
			s->header.flags &= (uint8_t)~TCP_SYN;
			s->header.sequence++;
		} else {
			syn_input(c, s);
			return;
		}
	}
	if (c->rcv_edge == c->rcv_nxt && s->header.sequence == c->rcv_nxt)
		strip(c, s);
	if (!is_acceptable(c, s)) {
		unacceptable(c, s);
		return;
	}
	c->heard_ms = tcp_now_ms(c->host);
	if (s->header.flags & TCP_RST) {
		reset_input(c, s);
		return;
	}
	/* Third, check security: no such thing. */
	if (s->header.flags & TCP_SYN) {
		syn_input(c, s);
		return;
	}
	remember_stamp(c, s);
	/* Fifth, check the ACK field. */
	if (!tcp_ack_input(c, s))
		return;
	if (c->has_ecn)
		ecn_input(c, s);
	/* Sixth, check the URG bit: the text is in the stream, as everywhere today (RFC 6093). Seventh,
	 * process the segment text. Eighth, check the FIN bit. */
	if (s->text > 0 || s->header.flags & TCP_FIN)
		tcp_text_input(c, s);
}
