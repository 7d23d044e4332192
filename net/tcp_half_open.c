/*
 * LISTEN (RFC 9293 3.10.7.2), and the small half-open flows that a SYN makes: what the SYN said, until the
 * handshake's last ACK makes a connection of it.
 *
 *     SYN --> room for a half-open one?  --> SYN-ACK, repeated after 1, 2, 4, 8, 16 s --> ACK: connection
 *                      \-> no: a cookie (net/tcp_cookie.c)
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

COUNTER(syn_received, "tcp.rx_syns", "SYNs to listening ports");
COUNTER(half_open_expired, "tcp.half_open_expired", "handshakes given up: no last ACK came");
COUNTER(backlog_full, "tcp.backlog_full", "handshakes not completed: too many wait for tcp_accept");
COUNTER(port_full, "tcp.port_full",
	"handshakes not completed: the listener's limit of connections");
COUNTER(half_open_refused, "tcp.half_open_refused", "SYNs dropped: no memory");
COUNTER(half_open_reset, "tcp.half_open_reset", "handshakes that the peer reset");

static struct pool half_opens = POOL("tcp half-open", sizeof(struct tcp_half_open), 0);

enum status tcp_port_listen(struct tcp_host *host, struct tcp_port *port, uint16_t number)
{
	struct tcp_ends ends = { .remote_port = 1 };
	struct tcp_port **bucket;

	if (number == 0) {
		if (!tcp_port_choose(host, &ends))
			return IN_USE;
		number = ends.local_port;
	}
	if (tcp_port_find(host, number) != NULL)
		return IN_USE;
	port->host = host;
	port->number = number;
	port->accepting_end = &port->accepting;
	if (port->backlog == 0)
		port->backlog = 1024;
	bucket = &host->ports[number % TCP_PORTS];
	port->next = *bucket;
	*bucket = port;
	return OK;
}

static void drop_accepting(struct tcp_port *port)
{
	struct tcp_connection *c;

	while ((c = tcp_port_accept(port)) != NULL) {
		c->is_owned = false;
		tcp_connection_abort(c);
	}
}

void tcp_port_close(struct tcp_port *port)
{
	struct tcp_host *host = port->host;
	struct tcp_port **link;

	if (host == NULL) /* closed already */
		return;
	link = &host->ports[port->number % TCP_PORTS];
	while (*link != port)
		link = &(*link)->next;
	*link = port->next;
	for (link = &host->ready_ports; *link != NULL; link = &(*link)->next_ready) {
		if (*link == port) {
			*link = port->next_ready;
			break;
		}
	}
	drop_accepting(port);
	while (port->half_open != NULL)
		tcp_half_open_free(host, port->half_open);
	/* Those that were accepted live on, and count no more. */
	for (uint32_t i = 0; i < host->bucket_count && port->connections > 0; i++)
		for (struct tcp_flow *flow = host->buckets[i]; flow != NULL; flow = flow->next) {
			struct tcp_connection *c = (struct tcp_connection *)flow;

			if (flow->ends.kind == TCP_KIND_CONNECTION && c->port == port) {
				c->port = NULL;
				port->connections--;
			}
		}
	port->host = NULL;
}

bool tcp_port_has_room(const struct tcp_port *port)
{
	if (port->accepting_count >= port->backlog) {
		count(&backlog_full);
		return false;
	}
	if (port->connections_limit != 0 && port->connections >= port->connections_limit) {
		count(&port_full);
		return false;
	}
	return true;
}

void tcp_port_queue(struct tcp_port *port, struct tcp_connection *c)
{
	struct tcp_host *host = port->host;

	c->port = port;
	c->is_accepting = true;
	c->is_passive = true;
	c->next_ready = NULL;
	*port->accepting_end = c;
	port->accepting_end = &c->next_ready;
	port->accepting_count++;
	port->connections++;
	if (!port->is_ready) {
		port->is_ready = true;
		port->next_ready = host->ready_ports;
		host->ready_ports = port;
	}
}

static struct tcp_connection *take_accepting(struct tcp_port *port)
{
	struct tcp_connection *c = port->accepting;

	if (c == NULL)
		return NULL;
	port->accepting = c->next_ready;
	if (port->accepting == NULL)
		port->accepting_end = &port->accepting;
	port->accepting_count--;
	c->is_accepting = false;
	return c;
}

struct tcp_connection *tcp_port_accept(struct tcp_port *port)
{
	struct tcp_connection *c;

	while ((c = take_accepting(port)) != NULL) {
		if (c->flow.ends.is_listed) {
			c->is_owned = true;
			return c;
		}
		tcp_connection_free(c); /* it was reset meanwhile */
	}
	return NULL;
}

/* --- SYN in, SYN-ACK out --- */

static void send_syn_ack(struct tcp_host *host, struct tcp_half_open *h)
{
	const struct address *to = &h->flow.ends.remote;
	struct tcp_header header = { .sequence = h->iss,
		.acknowledgment = h->irs + 1,
		.flags = TCP_SYN | TCP_ACK,
		.window = 65535 };
	struct tcp_options options = {
		.mss = (uint16_t)(tcp_path_mtu(host, to) - tcp_ip_header_bytes(to) -
				  TCP_HEADER_BYTES),
		.has_scale = h->has_scale,
		.scale = tcp_scale_of(TCP_BUFFER_BYTES),
		.has_sack_permitted = h->has_sack,
		.has_timestamp = h->has_stamps,
		.timestamp = tcp_now_ms(host) + h->stamp_offset,
		.timestamp_echo = h->stamp_recent,
	};

	if (h->has_ecn)
		header.flags |= TCP_ECE;
	tcp_emit_bare(host, &h->flow.ends, &header, &options);
	h->sent_at = tcp_now(host);
	/* It stands already when the SYN came again: nobody can hold the flow longer by that. */
	if (!tcp_timer_is_set(&h->flow.timer))
		tcp_timer_set(
			&host->wheel, &h->flow.timer, h->sent_at + (TCP_RTO_FIRST << h->retries));
}

static void half_open_add(struct tcp_host *host, struct tcp_port *port, const struct tcp_segment *s)
{
	struct tcp_half_open *h = pool_alloc_zeroed(&half_opens);

	if (h == NULL) {
		count(&half_open_refused);
		return;
	}
	h->flow.ends = s->ends;
	h->flow.ends.kind = TCP_KIND_HALF_OPEN;
	h->flow.ends.state = TCP_SYN_RECEIVED;
	h->port = port;
	h->irs = s->header.sequence;
	h->iss = s->has_iss ? s->iss : tcp_sequence_first(host, &s->ends);
	h->stamp_offset = tcp_stamp_offset(host, &s->ends);
	h->stamp_recent = s->options.timestamp;
	h->mss = s->options.mss;
	h->scale = s->options.scale;
	h->has_scale = s->options.has_scale;
	h->has_stamps = s->options.has_timestamp;
	h->has_sack = s->options.has_sack_permitted;
	/* RFC 3168 6.1.1: ECE and CWR together ask for it. */
	h->has_ecn = (s->header.flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
	h->next_of_port = port->half_open;
	h->link_of_port = &port->half_open;
	if (h->next_of_port != NULL)
		h->next_of_port->link_of_port = &h->next_of_port;
	port->half_open = h;
	host->half_open++;
	tcp_flow_add(host, &h->flow);
	send_syn_ack(host, h);
}

void tcp_half_open_free(struct tcp_host *host, struct tcp_half_open *h)
{
	*h->link_of_port = h->next_of_port;
	if (h->next_of_port != NULL)
		h->next_of_port->link_of_port = h->link_of_port;
	tcp_flow_remove(host, &h->flow);
	host->half_open--;
	pool_free(&half_opens, h);
}

void tcp_listen_input(struct tcp_host *host, struct tcp_port *port, struct tcp_segment *s)
{
	struct tcp_connection *c;

	/* First, check for a RST; second, check for an ACK. */
	if (s->header.flags & TCP_RST) {
		tcp_ignored();
		return;
	}
	if (s->header.flags & TCP_ACK) {
		c = s->header.flags & TCP_SYN ? NULL : tcp_cookie_accept(host, port, s);
		if (c != NULL) {
			tcp_connection_input(c, s);
		} else {
			tcp_ignored();
			tcp_emit_reset(host, s);
		}
		return;
	}
	/* Third, check for a SYN. Text or FIN on it comes again, once there is a connection. */
	if (!(s->header.flags & TCP_SYN) || s->header.flags & TCP_FIN) {
		tcp_ignored();
		return;
	}
	count(&syn_received);
	if (!tcp_port_has_room(port))
		return;
	if (host->half_open < host->limits.half_open)
		half_open_add(host, port, s);
	else
		tcp_cookie_send(host, s);
}

/* --- the handshake goes on --- */

/* The last ACK: a connection takes the flow over. */
static struct tcp_connection *complete(
	struct tcp_host *host, struct tcp_half_open *h, const struct tcp_segment *s)
{
	struct tcp_half_open old = *h;
	struct tcp_connection *c;

	if (!tcp_port_has_room(h->port))
		return NULL;
	/* The ends stand in the table once: out with the one before the other comes in. */
	tcp_flow_remove(host, &h->flow);
	c = tcp_connection_new(host, &old.flow.ends);
	if (c == NULL) {
		tcp_flow_add(host, &h->flow);
		tcp_timer_set(&host->wheel, &h->flow.timer, tcp_now(host) + TCP_RTO_FIRST);
		return NULL;
	}
	tcp_half_open_free(host, h);
	c->irs = old.irs;
	c->rcv_nxt = c->acked_at = old.irs + 1;
	c->rcv_edge = c->rcv_nxt + 65535;
	c->iss = old.iss;
	c->snd_una = c->iss;
	c->snd_nxt = c->snd_end = c->iss + 1;
	c->has_stamps = old.has_stamps;
	c->stamp_recent = old.stamp_recent;
	c->stamp_recent_ms = tcp_now_ms(host);
	c->has_sack = old.has_sack;
	c->has_ecn = old.has_ecn;
	c->backoff = old.retries;
	c->flow.ends.state = TCP_SYN_RECEIVED;
	tcp_connection_agree(c, old.mss, old.has_scale, old.scale);
	if (old.retries == 0)
		tcp_rto_sample(c, tcp_now(host) - old.sent_at);
	tcp_port_queue(old.port, c);
	return c;
}

static bool is_in_window(const struct tcp_half_open *h, const struct tcp_segment *s)
{
	return sequence_is_within(s->header.sequence, h->irs + 1, h->irs + 65535);
}

/* It may complete the handshake: else it is dropped. */
static bool is_useful(const struct tcp_half_open *h, const struct tcp_segment *s)
{
	bool is_old = h->has_stamps && s->options.has_timestamp &&
		      sequence_before(s->options.timestamp, h->stamp_recent); /* PAWS */

	return is_in_window(h, s) && s->header.flags & TCP_ACK && !is_old;
}

void tcp_half_open_input(struct tcp_host *host, struct tcp_half_open *h, struct tcp_segment *s)
{
	uint8_t kind = s->header.flags & (TCP_SYN | TCP_RST | TCP_ACK);
	struct tcp_connection *c;

	if (kind == TCP_SYN && s->header.sequence == h->irs) {
		send_syn_ack(host, h); /* it came again */
	} else if (kind & TCP_RST && !(kind & TCP_SYN) && s->header.sequence == h->irs + 1) {
		count(&half_open_reset);
		tcp_half_open_free(host, h);
	} else if (kind != TCP_ACK || !is_useful(h, s)) {
		tcp_ignored();
	} else if (s->header.acknowledgment != h->iss + 1) {
		tcp_ignored();
		tcp_emit_reset(host, s);
	} else {
		c = complete(host, h, s);
		if (c != NULL)
			tcp_connection_input(c, s);
	}
}

void tcp_half_open_expired(struct tcp_host *host, struct tcp_half_open *h)
{
	if (h->retries >= TCP_SYN_ACK_RETRIES) {
		count(&half_open_expired);
		tcp_half_open_free(host, h);
		return;
	}
	h->retries++;
	send_syn_ack(host, h);
}
