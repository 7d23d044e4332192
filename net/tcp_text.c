/*
 * "Seventh, process the segment text; eighth, check the FIN bit": bytes into the receive queue, and when
 * they are acknowledged.
 *
 *            rcv_nxt                                   rcv_edge
 *     --------|------------------------------------------|------
 *      old    | in order: received   | out of order: reorder   | beyond: cut off, but for a tail
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

COUNTER(rx_duplicate, "tcp.rx_duplicate_bytes", "bytes received that were there already");
COUNTER(rx_beyond, "tcp.rx_beyond_bytes", "bytes dropped: beyond the window");
COUNTER(rx_reordered, "tcp.rx_reordered", "segments received out of order");
COUNTER(rx_no_memory, "tcp.rx_no_memory", "segments dropped: memory is short");
COUNTER(rx_unwanted, "tcp.rx_unwanted", "connections reset: text came for who had closed");
COUNTER(rx_after_fin, "tcp.rx_after_fin", "segments whose text lies beyond the FIN: ignored");

#define JOIN_MOST	 256 /* text so short is added to the buffer before it, when buffers get many */
#define ONE_WAY_SEGMENTS 4u /* without an answer of ours, a stream goes one way */

static uint32_t held_bytes(const struct tcp_connection *c)
{
	return c->receive_charged + tcp_reorder_bytes(c);
}

/* --- windows --- */

uint32_t tcp_receive_window(const struct tcp_connection *c)
{
	uint32_t space = c->receive_space, promised = c->rcv_edge - c->rcv_nxt, window, step;

	window = space > c->received_bytes ? space - c->received_bytes : 0;
	if (held_bytes(c) >= 2 * c->receive_limit || held_bytes(c) >= tcp_memory_left(c->host))
		window = 0;
	/* 3.8.6.2.2: not in small steps. */
	step = space / 2 < c->mss_received ? space / 2 : c->mss_received;
	return window >= promised + step ? window : promised;
}

/* The space doubles when the program reads more than half of it in a round trip. */
static void adapt_space(struct tcp_connection *c, uint32_t bytes)
{
	uint32_t now = tcp_now_ms(c->host), round = c->rtt_us > 0 ? c->rtt_us / 1000 + 1 : 10;

	c->receive_mark += bytes;
	if (now - c->receive_marked_ms < round && c->receive_mark < c->receive_space)
		return;
	if (c->receive_mark > c->receive_space / 2 && c->receive_space < c->receive_limit) {
		c->receive_space = c->receive_space < c->receive_limit / 2 ? c->receive_space * 2
									   : c->receive_limit;
	}
	c->receive_mark = 0;
	c->receive_marked_ms = now;
}

void tcp_receive_opened(struct tcp_connection *c, uint32_t bytes)
{
	uint32_t promised = c->rcv_edge - c->rcv_nxt, window;

	if (c->flow.ends.state < TCP_ESTABLISHED || c->is_fin_received || !c->flow.ends.is_listed)
		return;
	adapt_space(c, bytes);
	window = tcp_receive_window(c);
	if (window >= promised + c->receive_space / 4 ||
		(promised < c->mss_received && window > promised)) {
		c->is_ack_now = true;
		tcp_connection_due(c);
	}
}

/* --- the receive queue --- */

static struct packet *last_of(const struct packet_queue *queue)
{
	if (queue->first == NULL)
		return NULL;
	return (struct packet *)((char *)queue->end - offsetof(struct packet, next));
}

/* A short text joins the last buffer, where many small ones would pin much memory. */
static bool join(struct tcp_connection *c, struct packet *packet)
{
	struct packet *last = last_of(&c->received);

	if (packet->length > JOIN_MOST || c->receive_charged < c->receive_limit / 4 ||
		last == NULL || last->references != 1 || packet_tailroom(last) < packet->length)
		return false;
	memcpy(last->data + last->length, packet->data, packet->length);
	last->length += packet->length;
	last->total_length += packet->length;
	return true;
}

/* Queues the packet's fragments, each as a packet of its own. Takes it. */
static void enqueue(struct tcp_connection *c, struct packet *packet)
{
	while (packet != NULL) {
		struct packet *rest = packet->fragment;

		packet->fragment = NULL;
		packet->total_length = packet->length;
		c->rcv_nxt += packet->length;
		if (sequence_after(c->rcv_nxt, c->rcv_edge))
			c->rcv_edge = c->rcv_nxt;
		c->bytes_received += packet->length;
		c->received_bytes += packet->length;
		if (packet->length == 0 || join(c, packet)) {
			packet_free(packet);
		} else {
			c->receive_charged += packet->capacity;
			c->host->memory += packet->capacity;
			packet_queue_put(&c->received, packet);
		}
		packet = rest;
	}
	tcp_connection_news(c);
}

static void discharge(struct tcp_connection *c, const struct packet *packet)
{
	c->receive_charged -= packet->capacity;
	c->host->memory -= packet->capacity;
}

struct packet *tcp_connection_take(struct tcp_connection *c)
{
	struct packet *packet = packet_queue_take(&c->received);

	if (packet == NULL)
		return NULL;
	discharge(c, packet);
	c->received_bytes -= packet->length;
	tcp_receive_opened(c, packet->length);
	return packet;
}

void tcp_connection_consume(struct tcp_connection *c, size_t length)
{
	uint32_t left = (uint32_t)(length < c->received_bytes ? length : c->received_bytes);
	uint32_t consumed = left;
	struct packet *first;

	c->received_bytes -= left;
	while (left > 0 && (first = c->received.first) != NULL) {
		if (left < first->length) {
			packet_pull(first, left);
			break;
		}
		left -= first->length;
		packet_queue_take(&c->received);
		discharge(c, first);
		packet_free(first);
	}
	if (consumed > 0)
		tcp_receive_opened(c, consumed);
}

void tcp_connection_replace(struct tcp_connection *c, struct packet *joined)
{
	uint32_t left = joined->length;
	struct packet *first;

	while (left > 0 && (first = c->received.first) != NULL && left >= first->length) {
		left -= first->length;
		packet_queue_take(&c->received);
		discharge(c, first);
		packet_free(first);
	}
	if (left > 0 && c->received.first != NULL)
		packet_pull(c->received.first, left);
	if (c->received.first == NULL)
		c->received.end = &joined->next;
	joined->next = c->received.first;
	c->received.first = joined;
	c->received.count++;
	c->receive_charged += joined->capacity;
	c->host->memory += joined->capacity;
}

/* --- when to acknowledge: RFC 9293 3.8.6.3, RFC 5681 4.2 --- */

static void owe_ack(struct tcp_connection *c, bool is_at_once)
{
	uint32_t owed = c->rcv_nxt - c->acked_at;
	bool is_quick = c->quick_acks > 0, is_full = owed + TCP_OPTION_BYTES_MAX >= c->mss;

	if (is_at_once || (is_quick && is_full) || owed >= 2u * c->mss_received) {
		c->is_ack_now = true;
		return;
	}
	/* A short text at the start is a question, more often than not: the answer carries the ACK. */
	if (c->ack_at == FOREVER) {
		c->ack_at = tcp_now(c->host) + (is_quick ? TCP_ACK_DELAY_SHORT : TCP_ACK_DELAY);
		tcp_deadline_sync(c);
	}
}

/*
 * The push that ends a burst of a stream to which we answer nothing: the sender, its window used up, may be
 * waiting for the ACK of the odd last segment, and no text of ours will carry it. Where the device merges
 * segments, nearly every frame has a push, and an ACK for each would cost more than it brings.
 */
static bool ends_burst(const struct tcp_connection *c, const struct tcp_segment *s)
{
	return s->header.flags & TCP_PSH && s->text > 0 && s->text <= c->mss &&
	       (uint32_t)c->bytes_received - c->answered_at >= ONE_WAY_SEGMENTS * c->mss_received;
}

/* --- FIN --- */

static void fin_received(struct tcp_connection *c)
{
	c->rcv_nxt++;
	if (!sequence_after(c->rcv_edge, c->rcv_nxt))
		c->rcv_edge = c->rcv_nxt;
	c->is_fin_received = true;
	c->is_ack_now = true;
	tcp_connection_news(c);
	switch (c->flow.ends.state) {
	case TCP_ESTABLISHED:
		c->flow.ends.state = TCP_CLOSE_WAIT;
		break;
	case TCP_FIN_WAIT_1:
		c->flow.ends.state = TCP_CLOSING;
		break;
	case TCP_FIN_WAIT_2:
		tcp_emit_ack(c);
		tcp_waiting_begin(c);
		break;
	}
}

/* --- in --- */

/*
 * Cuts the text to the window. False: nothing of it is new. What begins in the window may reach beyond it
 * by a segment: passt does so by a few bytes, and sends what is cut off again only after seconds.
 */
static bool trim(struct tcp_connection *c, struct tcp_segment *s)
{
	uint32_t old, end, most;

	if (sequence_before(s->header.sequence, c->rcv_nxt)) {
		old = c->rcv_nxt - s->header.sequence;
		if (old > s->text)
			old = s->text;
		count_many(&rx_duplicate, old);
		tcp_reorder_twice(c, s->header.sequence, s->header.sequence + old);
		s->packet = packet_cut(s->packet, old);
		s->text -= old;
		s->header.sequence += old;
	}
	end = s->header.sequence + s->text;
	most = c->rcv_edge;
	if (sequence_after(most, s->header.sequence))
		most += c->mss_received;
	if (sequence_after(end, most)) {
		uint32_t left =
			sequence_after(most, s->header.sequence) ? most - s->header.sequence : 0;

		count_many(&rx_beyond, s->text - left);
		packet_trim(s->packet, left);
		s->text = left;
		s->header.flags &= (uint8_t)~TCP_FIN; /* it lies beyond, too */
	}
	return s->text > 0 || s->header.flags & TCP_FIN;
}

/* All that was waiting behind the bytes that just came. */
static void take_reordered(struct tcp_connection *c)
{
	struct packet *packet;

	while ((packet = tcp_reorder_take(c)) != NULL)
		enqueue(c, packet);
}

static void in_order(struct tcp_connection *c, struct tcp_segment *s)
{
	bool is_fin = s->header.flags & TCP_FIN, fills_hole = c->reorder != NULL;

	if (s->text > 0) {
		if (s->text > c->mss_received && s->packet->segmentation == SEGMENT_NONE)
			c->mss_received = (uint16_t)(s->text < 65535 ? s->text : 65535);
		else if (s->packet->segmentation != SEGMENT_NONE)
			c->mss_received = s->packet->segment_bytes;
		enqueue(c, s->packet);
		s->packet = NULL;
	}
	if (fills_hole) {
		take_reordered(c);
		is_fin |= tcp_reorder_takes_fin(c);
	}
	owe_ack(c, fills_hole || ends_burst(c, s));
	if (is_fin)
		fin_received(c);
}

static void out_of_order(struct tcp_connection *c, struct tcp_segment *s)
{
	count(&rx_reordered);
	if (s->text > 0) {
		tcp_reorder_add(c, s->packet, s->header.sequence, s->header.flags & TCP_FIN);
		s->packet = NULL;
	}
	owe_ack(c, true);
	if (tcp_reorder_is_full(c))
		tcp_emit_ack(c);
}

/* What comes in order is taken when nothing is unread, or nothing would ever go on. */
static bool has_memory_for(struct tcp_connection *c, const struct tcp_segment *s)
{
	if (s->header.sequence == c->rcv_nxt && c->received_bytes == 0)
		return true;
	if (tcp_memory_is_short(c->host))
		tcp_reorder_relieve(c->host);
	return held_bytes(c) < tcp_memory_left(c->host);
}

void tcp_text_input(struct tcp_connection *c, struct tcp_segment *s)
{
	if (c->is_fin_received) { /* CLOSE-WAIT and later: "should not occur" */
		count(&rx_after_fin);
		c->is_ack_now = true;
		return;
	}
	if (!trim(c, s)) {
		c->is_ack_now = true;
		return;
	}
	if (!c->is_owned && !c->is_accepting && s->text > 0) { /* RFC 1122 4.2.2.13 */
		count(&rx_unwanted);
		tcp_connection_abort(c);
		return;
	}
	if (s->text > 0 && !has_memory_for(c, s)) {
		count(&rx_no_memory);
		return;
	}
	if (s->header.sequence == c->rcv_nxt)
		in_order(c, s);
	else
		out_of_order(c, s);
}
