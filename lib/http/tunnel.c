/*
 * After an upgrade: bytes of a protocol that is none of ours, both ways, in the buffers that they came in.
 *
 *     client --request's connection--> up, a fiber of its own --> call's connection --> server
 *     client <------------------------ down, the handler's fiber <--------------------- server
 *
 * The server's end is the tunnel's. The client's end is handed on, and the server ends then.
 */
#include "lib/http/client.h"

struct tunnel {
	struct tcp *client, *server;
	duration idle;
	uint32_t client_write_ms, server_write_ms;
	instant last; /* something came, either way */
	uint64_t down_bytes;
};

/* The next buffer; TIMED_OUT when nothing came either way for so long. */
static enum status next(struct tunnel *t, struct tcp *from, struct packet **packet)
{
	enum status status;

	do {
		status = tcp_read_packet(from, packet, instant_after(t->last, t->idle));
	} while (status == TIMED_OUT && time_now() < instant_after(t->last, t->idle));
	if (status == OK)
		t->last = time_now();
	return status;
}

static void carry_up(void *argument)
{
	struct tunnel *t = argument;
	struct packet *packet;

	while (next(t, t->client, &packet) == OK)
		if (tcp_write_packet(t->server, packet, in_ms(t->server_write_ms)) != OK)
			break;
	tcp_shutdown(t->server);
}

static void carry_down(struct tunnel *t)
{
	struct packet *packet;

	while (next(t, t->server, &packet) == OK) {
		uint32_t length = packet->total_length;

		if (tcp_write_packet(t->client, packet, in_ms(t->client_write_ms)) != OK)
			break;
		t->down_bytes += length;
	}
}

enum status http_forward_upgrade(struct http_call *call, struct http_request *r, uint32_t idle_ms)
{
	struct tunnel t = {
		.client = r->connection->tcp,
		.server = call->tcp,
		.idle = MILLISECONDS(idle_ms),
		.client_write_ms = r->options->write_ms,
		.server_write_ms = call->client->options.write_ms,
		.last = time_now(),
	};
	struct fiber *up;
	struct view protocol;

	if (call->state != CALL_ANSWERED || call->head.status != 101 || r->reply != REPLY_NONE ||
		r->head.framing != HTTP_NO_BODY || r->is_head_kept ||
		!http_call_field(call, "upgrade", &protocol))
		return INVALID_VALUE;
	exchange_keep_head(r);
	up = fiber_start("tunnel", carry_up, &t);
	if (up == NULL)
		return NO_MEMORY;
	if (reply_switch(r, protocol) == OK)
		carry_down(&t);
	fiber_cancel(up);
	fiber_join(up);
	r->reply_bytes = t.down_bytes;
	return r->write_status;
}
