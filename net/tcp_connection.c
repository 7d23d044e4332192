/*
 * Connections: from their making to their end.
 *
 *     new --> owned by a program --> released --> free when the state is CLOSED
 *         \-> in a port's queue ----^
 *
 * A connection that has died keeps its object as long as somebody has the handle, but nothing else: no
 * bytes, no place in the table, no timer.
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

COUNTER(opened, "tcp.opened", "connections that we opened");
COUNTER(established, "tcp.established", "connections established, either way");
COUNTER(refused_limit, "tcp.refused_limit", "connections refused: too many, or no memory");
COUNTER(died_reset, "tcp.died_reset", "connections that the peer reset");
COUNTER(died_timeout, "tcp.died_timeout", "connections that died unanswered");
COUNTER(aborted, "tcp.aborted", "connections that we reset");

#define QUICK_ACKS 16 /* at the start, of full segments: slow start needs ACKs */

struct tcp_connection *tcp_connection_new(struct tcp_host *host, const struct tcp_ends *ends)
{
	struct tcp_connection *c;

	if (host->connections >= host->limits.connections ||
		(c = pool_alloc_zeroed(host->pool)) == NULL) {
		count(&refused_limit);
		return NULL;
	}
	host->connections++;
	c->host = host;
	c->flow.ends = *ends;
	c->flow.ends.kind = TCP_KIND_CONNECTION;
	c->alarm_at = c->ack_at = c->idle_at = FOREVER;
	c->progress_ms = c->heard_ms = c->receive_marked_ms = tcp_now_ms(host);
	c->rto_us = (uint32_t)(TCP_RTO_FIRST / 1000);
	c->send_limit = c->receive_limit = (uint32_t)TCP_BUFFER_BYTES;
	c->receive_space = (uint32_t)TCP_WINDOW_FIRST;
	c->user_timeout_ms = (uint32_t)(TCP_USER_TIMEOUT / 1000000);
	c->keep_interval_ms = 75000;
	c->quick_acks = QUICK_ACKS;
	c->control = tcp_congestion_default;
	c->congestion.threshold = TCP_THRESHOLD_NONE;
	c->mss_asked = TCP_MSS_DEFAULT;
	c->mss_received = TCP_MSS_DEFAULT;
	c->stamp_offset = tcp_stamp_offset(host, ends);
	c->receive_scale = tcp_scale_of(TCP_BUFFER_BYTES);
	tcp_flow_add(host, &c->flow);
	return c;
}

void tcp_connection_free(struct tcp_connection *c)
{
	if (c->is_due || c->is_ready) {
		c->is_dead = true; /* whoever empties the list frees it */
		return;
	}
	pool_free(c->host->pool, c);
}

/* Drops all that it holds but itself. */
static void empty(struct tcp_connection *c)
{
	struct packet *packet;

	tcp_flow_remove(c->host, &c->flow);
	tcp_flight_drop(c);
	tcp_chunks_drop(c);
	tcp_reorder_drop(c);
	while ((packet = packet_queue_take(&c->received)) != NULL) {
		c->host->memory -= packet->capacity;
		packet_free(packet);
	}
	c->received_bytes = c->receive_charged = 0;
	c->alarm = TCP_ALARM_NONE;
	c->alarm_at = c->ack_at = c->idle_at = FOREVER;
	c->is_ack_now = false;
}

static void leave_port(struct tcp_connection *c)
{
	if (c->port == NULL)
		return;
	c->port->connections--;
	if (!c->is_accepting)
		c->port = NULL;
}

/* What came in order before an orderly end may still be read. After another nothing is, but the program may
 * have a view of the first buffer (tcp_peek), which is good until its next call. */
static void empty_but_for_reader(struct tcp_connection *c, enum status why)
{
	struct packet_queue kept = { 0 };
	uint32_t bytes = 0, charged = 0;
	struct packet *packet;

	while (c->is_owned && (why == CLOSED || kept.first == NULL) &&
		(packet = packet_queue_take(&c->received)) != NULL) {
		bytes += packet->length;
		charged += packet->capacity;
		packet_queue_put(&kept, packet);
	}
	empty(c);
	c->received = kept;
	c->received_bytes = why == CLOSED ? bytes : 0;
	c->receive_charged = charged;
}

void tcp_connection_die(struct tcp_connection *c, enum status why)
{
	if (c->flow.ends.state == TCP_CLOSED && c->error != OK)
		return;
	if (why == REFUSED)
		count(&died_reset);
	else if (why == UNREACHABLE)
		count(&died_timeout);
	if (c->flow.ends.state != TCP_TIME_WAIT)
		c->flow.ends.state = TCP_CLOSED;
	c->error = (uint8_t)why;
	empty_but_for_reader(c, why);
	c->host->connections--;
	leave_port(c);
	if (c->is_owned)
		tcp_connection_news(c);
	else if (!c->is_accepting)
		tcp_connection_free(c);
}

void tcp_connection_news(struct tcp_connection *c)
{
	struct tcp_host *host = c->host;

	if (!c->is_owned || c->is_ready)
		return;
	c->is_ready = true;
	c->next_ready = NULL;
	*host->ready_end = c;
	host->ready_end = &c->next_ready;
	/* Outside a batch nobody else empties the list soon. */
	if (!host->is_in_batch)
		net_stack_wake_at(host->stack, tcp_now(host));
}

void tcp_mss_update(struct tcp_connection *c)
{
	const struct address *to = &c->flow.ends.remote;
	size_t headers = tcp_ip_header_bytes(to) + TCP_HEADER_BYTES;
	size_t path = tcp_path_mtu(c->host, to) - headers;
	uint32_t before = c->congestion.mss;

	c->mss = (uint16_t)(c->mss_asked < path ? c->mss_asked : path);
	if (c->mss < TCP_MSS_LEAST)
		c->mss = TCP_MSS_LEAST;
	c->congestion.mss = tcp_text_most(c);
	if (c->congestion.mss > before)
		c->is_size_proven = false;
}

void tcp_connection_agree(struct tcp_connection *c, uint16_t mss, bool has_scale, uint8_t scale)
{
	c->mss_asked = mss != 0 ? mss : TCP_MSS_DEFAULT;
	if (has_scale) {
		c->send_scale = scale;
	} else {
		c->send_scale = c->receive_scale = 0;
	}
	tcp_mss_update(c);
}

/* RFC 6928: ten segments, but 14,600 bytes at most, or two segments where those are more. */
static uint32_t window_first(uint32_t mss)
{
	uint32_t most = 2 * mss > 14600 ? 2 * mss : 14600;

	return 10 * mss < most ? 10 * mss : most;
}

void tcp_connection_established(struct tcp_connection *c)
{
	count(&established);
	c->flow.ends.state = TCP_ESTABLISHED;
	/* RFC 5681 3.1: a SYN that was lost says that the network is full. */
	c->congestion.window = c->backoff > 1 ? c->congestion.mss : window_first(c->congestion.mss);
	c->backoff = 0;
	c->alarm = TCP_ALARM_NONE;
	c->alarm_at = FOREVER;
	c->progress_ms = tcp_now_ms(c->host);
	if (c->rtt_us == 0)
		c->rto_us = (uint32_t)(TCP_RTO_FIRST / 1000);
	tcp_idle_restart(c);
	tcp_connection_news(c);
}

enum status tcp_connection_open(
	struct tcp_host *host, const struct endpoint *to, struct tcp_connection **connection)
{
	struct tcp_ends ends = { .remote = to->address, .remote_port = to->port };
	struct tcp_connection *c;

	if (to->port == 0)
		return INVALID_VALUE;
	if (!tcp_ip_source(host->stack, &to->address, &ends.local))
		return UNREACHABLE;
	if (!tcp_port_choose(host, &ends))
		return IN_USE;
	c = tcp_connection_new(host, &ends);
	if (c == NULL)
		return NO_MEMORY;
	count(&opened);
	c->is_owned = true;
	c->flow.ends.state = TCP_SYN_SENT;
	c->iss = tcp_sequence_first(host, &ends);
	c->snd_una = c->snd_nxt = c->iss;
	c->snd_end = c->iss + 1;
	c->has_stamps = !host->is_stamp_spared;
	c->has_sack = true;
	c->has_ecn = host->is_ecn_asked;
	tcp_mss_update(c);
	tcp_output(c);
	*connection = c;
	return OK;
}

void tcp_connection_shut(struct tcp_connection *c)
{
	if (c->is_shut)
		return;
	c->is_shut = true;
	switch (c->flow.ends.state) {
	case TCP_SYN_SENT:
		tcp_connection_die(c, CLOSED);
		return;
	case TCP_SYN_RECEIVED:
		break; /* the FIN waits for the ACK of our SYN */
	case TCP_ESTABLISHED:
		c->flow.ends.state = TCP_FIN_WAIT_1;
		break;
	case TCP_CLOSE_WAIT:
		c->flow.ends.state = TCP_LAST_ACK;
		break;
	default:
		return;
	}
	tcp_connection_due(c);
}

static void send_reset(struct tcp_connection *c)
{
	static const struct tcp_options none;
	struct tcp_header header = {
		.flags = TCP_RST | TCP_ACK, .sequence = c->snd_nxt, .acknowledgment = c->rcv_nxt
	};

	tcp_emit_bare(c->host, &c->flow.ends, &header, &none);
}

void tcp_connection_abort(struct tcp_connection *c)
{
	switch (c->flow.ends.state) {
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		send_reset(c);
		count(&aborted);
		break;
	}
	if (c->flow.ends.state != TCP_CLOSED && c->flow.ends.state != TCP_TIME_WAIT)
		tcp_connection_die(c, CLOSED);
}

void tcp_connection_release(struct tcp_connection *c)
{
	bool is_unread = c->received.first != NULL || c->reorder != NULL;
	bool is_over = c->flow.ends.state == TCP_CLOSED || c->flow.ends.state == TCP_TIME_WAIT;

	if (is_over) {
		c->is_owned = false;
		empty(c);
		tcp_connection_free(c);
		return;
	}
	/* RFC 1122 4.2.2.13, RFC 2525 2.17: data that nobody will read is not taken silently. */
	if (is_unread) {
		c->is_owned = false;
		tcp_connection_abort(c);
		return;
	}
	c->is_owned = false;
	if (c->user_timeout_ms > TCP_ORPHAN_TIMEOUT / 1000000)
		c->user_timeout_ms = (uint32_t)(TCP_ORPHAN_TIMEOUT / 1000000);
	if (!c->is_shut)
		tcp_connection_shut(c);
	else if (c->flow.ends.state == TCP_FIN_WAIT_2)
		tcp_idle_restart(c);
}
