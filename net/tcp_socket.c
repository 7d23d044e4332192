/*
 * The blocking calls of diatom/tcp.h: connections (net/tcp.h) on which fibers may wait.
 *
 *     struct tcp      a connection, and who waits for it: one reader, one writer, and a callback
 *
 * Each call tries, and waits for news while it can't: the stack tells once a batch (tcp_changed). What the
 * program holds of the receive queue is the `held` packet, freed by its next read call.
 */
#include "net/tcp_socket.h"

#include "core/fiber_inner.h"
#include "diatom/counter.h"
#include "diatom/log.h"
#include "net/linear.h"

_Static_assert(sizeof(struct tcp) + 16 <= 512, "what an idle connection costs, in all");

struct pool tcp_pool = POOL("tcp connections", sizeof(struct tcp), 0);

COUNTER(write_no_buffer, "tcp.write_no_buffer", "writes that failed: no buffer");

/* --- news --- */

void tcp_changed(struct tcp_connection *connection)
{
	struct tcp *c = (struct tcp *)connection;

	/* Both: who watches may have handed the connection to a fiber, which waits. The callback comes last,
	 * for it may close. */
	wake_all(&c->waiters);
	if (c->changed != NULL)
		c->changed(c, c->argument);
}

void tcp_finish_waits(struct tcp_host *host)
{
	for (uint32_t i = 0; i < host->bucket_count; i++)
		for (struct tcp_flow *flow = host->buckets[i]; flow != NULL; flow = flow->next)
			if (flow->ends.kind == TCP_KIND_CONNECTION)
				tcp_connection_news((struct tcp_connection *)flow);
	for (unsigned i = 0; i < TCP_PORTS; i++)
		for (struct tcp_port *port = host->ports[i]; port != NULL; port = port->next)
			port->ready(port);
}

static void enter(struct tcp *c)
{
	net_stack_set_time(c->connection.host->stack, time_now());
}

/* What was sent or set may want the stack's timer. */
static void leave(struct tcp *c)
{
	interface_sync(CONTAINER_OF(c->connection.host->stack, struct interface, stack));
}

static bool is_over(const struct tcp *c)
{
	return c->connection.error != OK;
}

/* Time and stack are as after enter(). */
static enum status wait_for_news(struct tcp *c, instant deadline)
{
	enum status status;

	if (deadline == AT_ONCE)
		return TIMED_OUT;
	leave(c);
	status = wait_on(&c->waiters, deadline);
	enter(c);
	return status;
}

/* --- reading --- */

static void free_held(struct tcp *c)
{
	packet_free(c->held);
	c->held = NULL;
}

/* OK when `least` bytes are there; CLOSED when no more will come. */
static enum status wait_for_bytes(struct tcp *c, uint32_t least, instant deadline)
{
	struct tcp_connection *connection = &c->connection;
	enum status status = OK;

	enter(c);
	while (connection->received_bytes < least) {
		if (is_over(c))
			status = (enum status)connection->error;
		else if (connection->is_fin_received || finish_is_requested())
			status = CLOSED;
		else
			status = wait_for_news(c, deadline);
		if (status != OK)
			break;
	}
	leave(c);
	return status;
}

enum status tcp_read_packet(struct tcp *c, struct packet **packet, instant deadline)
{
	enum status status;

	free_held(c);
	status = wait_for_bytes(c, 1, deadline);
	*packet = status == OK ? tcp_connection_take(&c->connection) : NULL;
	leave(c);
	return status;
}

enum status tcp_read(struct tcp *c, struct view *bytes, instant deadline)
{
	struct packet *packet;
	enum status status = tcp_read_packet(c, &packet, deadline);

	c->held = packet;
	*bytes = packet != NULL ? packet_view(packet) : view_of(NULL, 0);
	return status;
}

/* The first `least` bytes in one buffer: a joined one takes the place of those that it was made of. */
static enum status join_first(struct tcp *c, uint32_t least)
{
	struct tcp_connection *connection = &c->connection;
	struct packet *first = connection->received.first, *joined;
	uint32_t done = 0;

	if (first == NULL || first->length >= least)
		return OK;
	joined = linear_alloc(least);
	if (joined == NULL)
		return NO_MEMORY;
	for (struct packet *at = first; at != NULL && done < least; at = at->next) {
		struct view part = view_part(packet_view(at), 0, least - done);

		if (part.data != NULL)
			memcpy(joined->data + done, part.data, part.length);
		done += (uint32_t)part.length;
	}
	tcp_connection_replace(connection, joined);
	return OK;
}

enum status tcp_peek(struct tcp *c, size_t least, struct view *bytes, instant deadline)
{
	struct tcp_connection *connection = &c->connection;
	enum status status, joined;

	*bytes = view_of(NULL, 0);
	if (least > TCP_PEEK_MAX)
		return TOO_LONG;
	free_held(c);
	/* A window smaller than that would wait for ever. */
	if (connection->receive_space < 2 * least && least > 1024)
		connection->receive_space = (uint32_t)(2 * least);
	status = wait_for_bytes(c, (uint32_t)least, deadline);
	if (status != OK && status != CLOSED)
		return status;
	joined = join_first(c,
		connection->received_bytes < least ? connection->received_bytes : (uint32_t)least);
	if (joined != OK)
		return joined;
	if (connection->received.first != NULL)
		*bytes = packet_view(connection->received.first);
	return status;
}

void tcp_consume(struct tcp *c, size_t length)
{
	enter(c);
	tcp_connection_consume(&c->connection, length);
	leave(c);
}

size_t tcp_readable(const struct tcp *c)
{
	return c->connection.received_bytes;
}

/* --- writing --- */

size_t tcp_writable(const struct tcp *c)
{
	return tcp_connection_room(&c->connection);
}

/*
 * Room for the next `length` bytes, or for so much of them that a writer who is woken has something to
 * do: not for each acknowledgment, and in no small pieces. An empty queue has all the room there will be.
 */
static bool has_room(const struct tcp_connection *connection, size_t length)
{
	size_t room = tcp_connection_room(connection), least = connection->send_limit / 4;

	return room > 0 && (room >= length || room >= least || connection->chunks.first == NULL);
}

static enum status wait_for_room(struct tcp *c, size_t length, instant deadline)
{
	struct tcp_connection *connection = &c->connection;
	enum status status = OK;

	while (status == OK) {
		if (is_over(c))
			return (enum status)connection->error;
		if (connection->is_shut)
			return CLOSED;
		if (has_room(connection, length))
			return OK;
		tcp_output(connection);
		status = wait_for_news(c, deadline);
	}
	return status;
}

static enum status queue_copy(struct tcp *c, struct view bytes, instant deadline)
{
	while (bytes.length > 0) {
		enum status status = wait_for_room(c, bytes.length, deadline);
		size_t done;

		if (status != OK)
			return status;
		done = tcp_connection_copy(
			&c->connection, view_part(bytes, 0, tcp_connection_room(&c->connection)));
		if (done == 0) {
			count(&write_no_buffer);
			return NO_MEMORY;
		}
		bytes = view_part(bytes, done, bytes.length);
	}
	return OK;
}

static void release_packet(void *owner)
{
	packet_free(owner);
}

/* Queues references to the packet's bytes, as much at a time as there is room for; `whole` stays the
 * caller's. */
static enum status queue_whole(struct tcp *c, struct packet *whole, instant deadline)
{
	struct view rest = packet_view(whole);

	while (rest.length > 0) {
		enum status status = wait_for_room(c, rest.length, deadline);
		struct view part;
		struct packet *piece;

		if (status != OK)
			return status;
		part = view_part(rest, 0, tcp_connection_room(&c->connection));
		piece = packet_refer(part, release_packet, packet_ref(whole));
		if (piece == NULL) {
			packet_free(whole);
			count(&write_no_buffer);
			return NO_MEMORY;
		}
		tcp_connection_queue(&c->connection, piece);
		rest = view_part(rest, part.length, rest.length);
	}
	return OK;
}

static enum status queue_piece(struct tcp *c, const struct tcp_piece *piece, instant deadline)
{
	struct packet *whole;
	enum status status;

	if (!piece->is_kept)
		return queue_copy(c, piece->bytes, deadline);
	whole = packet_refer(piece->bytes, piece->release, piece->owner);
	if (whole == NULL) {
		if (piece->release != NULL)
			piece->release(piece->owner);
		return NO_MEMORY;
	}
	status = queue_whole(c, whole, deadline);
	packet_free(whole);
	return status;
}

static size_t length_of(const struct tcp_piece *pieces, unsigned count)
{
	size_t length = 0;

	for (unsigned i = 0; i < count; i++)
		length += pieces[i].bytes.length;
	return length;
}

static void release_kept(const struct tcp_piece *piece)
{
	if (piece->is_kept && piece->release != NULL)
		piece->release(piece->owner);
}

/* AT_ONCE: all or nothing. */
static enum status may_start(struct tcp *c, size_t length, instant deadline)
{
	if (deadline != AT_ONCE)
		return OK;
	if (is_over(c))
		return (enum status)c->connection.error;
	if (c->connection.is_shut)
		return CLOSED;
	return length <= tcp_connection_room(&c->connection) ? OK : TIMED_OUT;
}

enum status tcp_writev(
	struct tcp *c, const struct tcp_piece *pieces, unsigned count, instant deadline)
{
	enum status status;

	enter(c);
	status = may_start(c, length_of(pieces, count), deadline);
	for (unsigned i = 0; i < count; i++) {
		if (status == OK)
			status = queue_piece(c, &pieces[i], deadline);
		else
			release_kept(&pieces[i]);
	}
	tcp_output(&c->connection);
	leave(c);
	return status;
}

enum status tcp_write(struct tcp *c, struct view bytes, instant deadline)
{
	struct tcp_piece piece = { .bytes = bytes };

	return tcp_writev(c, &piece, 1, deadline);
}

enum status tcp_write_packet(struct tcp *c, struct packet *packet, instant deadline)
{
	enum status status;

	enter(c);
	status = may_start(c, packet->total_length, deadline);
	for (struct packet *next; packet != NULL; packet = next) {
		next = packet->fragment;
		packet->fragment = NULL;
		packet->total_length = packet->length;
		/* One that fits goes itself, without a reference in between. */
		if (status == OK && packet->references == 1 &&
			packet->length <= tcp_connection_room(&c->connection)) {
			tcp_connection_queue(&c->connection, packet);
			continue;
		}
		if (status == OK)
			status = queue_whole(c, packet, deadline);
		packet_free(packet);
	}
	tcp_output(&c->connection);
	leave(c);
	return status;
}

enum status tcp_drain(struct tcp *c, instant deadline)
{
	struct tcp_connection *connection = &c->connection;
	enum status status = OK;

	enter(c);
	while (status == OK && connection->snd_una != connection->snd_end + connection->is_shut) {
		if (is_over(c))
			status = (enum status)connection->error;
		else
			status = wait_for_news(c, deadline);
	}
	leave(c);
	return status;
}

/* --- ending --- */

void tcp_shutdown(struct tcp *c)
{
	enter(c);
	if (!is_over(c))
		tcp_connection_shut(&c->connection);
	leave(c);
}

static void give_back(struct tcp *c, bool is_abort)
{
	struct interface *interface =
		CONTAINER_OF(c->connection.host->stack, struct interface, stack);

	enter(c);
	free_held(c);
	c->changed = NULL;
	if (is_abort)
		tcp_connection_abort(&c->connection);
	tcp_connection_release(&c->connection);
	interface_sync(interface);
}

void tcp_close(struct tcp *c)
{
	if (c != NULL)
		give_back(c, false);
}

void tcp_abort(struct tcp *c)
{
	if (c != NULL)
		give_back(c, true);
}

/* --- the event form, options, introspection --- */

void tcp_watch(
	struct tcp *c, void (*changed)(struct tcp *connection, void *argument), void *argument)
{
	c->changed = changed;
	c->argument = argument;
	if (changed == NULL)
		return;
	enter(c);
	tcp_connection_news(&c->connection);
	leave(c);
}

void tcp_set_user(struct tcp *c, void *user)
{
	c->user = user;
}

void *tcp_user(const struct tcp *c)
{
	return c->user;
}

enum status tcp_set(struct tcp *c, enum tcp_option option, uint32_t value)
{
	struct tcp_connection *connection = &c->connection;
	bool is_flag = option == TCP_NO_DELAY || option == TCP_CORK;

	if ((is_flag && value > 1) || (option == TCP_KEEP_INTERVAL_MS && value == 0) ||
		(option == TCP_USER_TIMEOUT_MS && value == 0) ||
		((option == TCP_SEND_BYTES || option == TCP_RECEIVE_BYTES) &&
			(value < 4096 || value > TCP_BUFFER_MOST)))
		return INVALID_VALUE;
	enter(c);
	switch (option) {
	case TCP_NO_DELAY:
		connection->is_no_delay = value;
		break;
	case TCP_CORK:
		connection->is_corked = value;
		break;
	case TCP_KEEP_ALIVE_MS:
		connection->keep_alive_ms = value;
		tcp_idle_restart(connection);
		break;
	case TCP_KEEP_INTERVAL_MS:
		connection->keep_interval_ms = value;
		break;
	case TCP_USER_TIMEOUT_MS:
		connection->user_timeout_ms = value;
		break;
	case TCP_SEND_BYTES:
		connection->send_limit = value;
		break;
	case TCP_RECEIVE_BYTES:
		connection->receive_limit = value;
		if (connection->receive_space > value)
			connection->receive_space = value;
		break;
	}
	if (!is_over(c))
		tcp_output(connection);
	leave(c);
	return OK;
}

void tcp_info(const struct tcp *c, struct tcp_info *info)
{
	tcp_connection_info(&c->connection, info);
}
