/*
 * TIME-WAIT (RFC 9293 3.6.1, RFC 1337, RFC 6191): for two segment lifetimes, what is left of a connection
 * answers the repeated FIN and keeps old segments out of a new one with the same ends. It is a small
 * object of its own; at the limit the oldest makes room.
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

COUNTER(waiting_evicted, "tcp.waiting_evicted", "TIME-WAITs cut short: too many of them");
COUNTER(waiting_refused, "tcp.waiting_refused", "TIME-WAITs left out: no memory");
COUNTER(waiting_reused, "tcp.waiting_reused", "TIME-WAITs ended by a new connection's SYN");
COUNTER(waiting_reset, "tcp.waiting_resets", "resets in TIME-WAIT: ignored (RFC 1337)");

static struct pool waitings = POOL("tcp waiting", sizeof(struct tcp_waiting), 0);

static void link_last(struct tcp_host *host, struct tcp_waiting *w)
{
	w->next = NULL;
	w->previous = host->waiting_last;
	if (w->previous != NULL)
		w->previous->next = w;
	else
		host->waiting_first = w;
	host->waiting_last = w;
}

static void unlink_age(struct tcp_host *host, struct tcp_waiting *w)
{
	if (w->previous != NULL)
		w->previous->next = w->next;
	else
		host->waiting_first = w->next;
	if (w->next != NULL)
		w->next->previous = w->previous;
	else
		host->waiting_last = w->previous;
}

void tcp_waiting_free(struct tcp_host *host, struct tcp_waiting *w)
{
	unlink_age(host, w);
	tcp_flow_remove(host, &w->flow);
	host->waiting--;
	pool_free(&waitings, w);
}

void tcp_waiting_begin(struct tcp_connection *c)
{
	struct tcp_host *host = c->host;
	struct tcp_ends ends = c->flow.ends;
	struct tcp_waiting *w;

	if (host->waiting >= host->limits.waiting && host->waiting_first != NULL) {
		count(&waiting_evicted);
		tcp_waiting_free(host, host->waiting_first);
	}
	w = pool_alloc_zeroed(&waitings);
	if (w != NULL) {
		w->flow.ends = ends;
		w->flow.ends.kind = TCP_KIND_WAITING;
		w->flow.ends.state = TCP_TIME_WAIT;
		w->snd_nxt = c->snd_nxt;
		w->rcv_nxt = c->rcv_nxt;
		w->window = (c->rcv_edge - c->rcv_nxt) >> c->receive_scale;
		w->stamp_recent = c->stamp_recent;
		w->stamp_offset = c->stamp_offset;
		w->has_stamps = c->has_stamps;
	} else {
		count(&waiting_refused);
	}
	c->flow.ends.state = TCP_TIME_WAIT;
	tcp_connection_die(c, CLOSED);
	if (w == NULL)
		return;
	host->waiting++;
	link_last(host, w);
	tcp_flow_add(host, &w->flow);
	tcp_timer_set(&host->wheel, &w->flow.timer, tcp_now(host) + 2 * TCP_MSL);
}

static void acknowledge(struct tcp_host *host, struct tcp_waiting *w)
{
	struct tcp_header header = { .sequence = w->snd_nxt,
		.acknowledgment = w->rcv_nxt,
		.flags = TCP_ACK,
		.window = (uint16_t)(w->window < 65535 ? w->window : 65535) };
	struct tcp_options options = {
		.has_timestamp = w->has_stamps,
		.timestamp = tcp_now_ms(host) + w->stamp_offset,
		.timestamp_echo = w->stamp_recent,
	};

	tcp_emit_bare(host, &w->flow.ends, &header, &options);
}

/* RFC 6191 2, RFC 9293 3.10.7.4 (MAY-2): a SYN that can't be an old one. */
static bool is_new(const struct tcp_waiting *w, const struct tcp_segment *s)
{
	if (w->has_stamps && s->options.has_timestamp && s->options.timestamp != w->stamp_recent)
		return sequence_after(s->options.timestamp, w->stamp_recent);
	return sequence_after(s->header.sequence, w->rcv_nxt);
}

bool tcp_waiting_input(struct tcp_host *host, struct tcp_waiting *w, struct tcp_segment *s)
{
	uint8_t flags = s->header.flags;

	if (flags & TCP_RST) {
		count(&waiting_reset);
		return false;
	}
	if (flags & TCP_SYN && !(flags & TCP_ACK) && is_new(w, s)) {
		count(&waiting_reused);
		s->has_iss = true;
		s->iss = sequence_max(tcp_sequence_first(host, &s->ends), w->snd_nxt + 65536);
		tcp_waiting_free(host, w);
		return true;
	}
	/* "The only thing that can arrive in this state is a retransmission of the remote FIN." */
	if (flags & TCP_FIN && tcp_segment_end(s) == w->rcv_nxt) {
		unlink_age(host, w);
		link_last(host, w);
		tcp_timer_set(&host->wheel, &w->flow.timer, tcp_now(host) + 2 * TCP_MSL);
		acknowledge(host, w);
		return false;
	}
	if ((flags & (TCP_SYN | TCP_FIN) || s->text > 0 || s->header.sequence != w->rcv_nxt) &&
		tcp_budget_take(host, &host->challenges))
		acknowledge(host, w);
	return false;
}
