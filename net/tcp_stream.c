/*
 * The stream of a connection as a program has it: reading as views of what came, writing as copies of bytes or
 * references to them, both waiting where they must.
 */
#include "diatom/counter.h"
#include "net/linear.h"
#include "net/tcp_socket.h"

COUNTER(write_no_buffer, "tcp.write_no_buffer", "writes that failed: no buffer");

/* --- reading --- */

/* OK when `least` bytes are there; CLOSED when no more will come. */
static enum status wait_for_bytes(struct tcp *c, uint32_t least, instant deadline)
{
	struct tcp_connection *connection = &c->connection;
	enum status status = OK;

	tcp_enter(c);
	while (connection->received_bytes < least) {
		if (tcp_is_over(c))
			status = (enum status)connection->error;
		else if (connection->is_fin_received || finish_is_requested())
			status = CLOSED;
		else
			status = tcp_wait_for_news(c, deadline);
		if (status != OK)
			break;
	}
	tcp_leave(c);
	return status;
}

enum status tcp_read_packet(struct tcp *c, struct packet **packet, instant deadline)
{
	enum status status;

	tcp_free_held(c);
	status = wait_for_bytes(c, 1, deadline);
	*packet = status == OK ? tcp_connection_take(&c->connection) : NULL;
	tcp_leave(c);
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
	tcp_free_held(c);
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
	tcp_enter(c);
	tcp_connection_consume(&c->connection, length);
	tcp_leave(c);
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

size_t tcp_queued(const struct tcp *c)
{
	return c->connection.send_charged;
}

size_t tcp_held(const struct tcp *c)
{
	return (size_t)c->connection.send_charged + c->connection.receive_charged;
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
		if (tcp_is_over(c))
			return (enum status)connection->error;
		if (connection->is_shut)
			return CLOSED;
		if (has_room(connection, length))
			return OK;
		tcp_output(connection);
		status = tcp_wait_for_news(c, deadline);
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
		piece->is_constant = whole->is_constant;
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
	whole->is_constant =
		piece->release == NULL; /* diatom/tcp.h: they stay as they are for good */
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
	if (tcp_is_over(c))
		return (enum status)c->connection.error;
	if (c->connection.is_shut)
		return CLOSED;
	return length <= tcp_connection_room(&c->connection) ? OK : TIMED_OUT;
}

enum status tcp_writev(
	struct tcp *c, const struct tcp_piece *pieces, unsigned count, instant deadline)
{
	enum status status;

	tcp_enter(c);
	status = may_start(c, length_of(pieces, count), deadline);
	for (unsigned i = 0; i < count; i++) {
		if (status == OK)
			status = queue_piece(c, &pieces[i], deadline);
		else
			release_kept(&pieces[i]);
	}
	tcp_output(&c->connection);
	tcp_leave(c);
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

	tcp_enter(c);
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
	tcp_leave(c);
	return status;
}

enum status tcp_drain(struct tcp *c, instant deadline)
{
	struct tcp_connection *connection = &c->connection;
	enum status status = OK;

	tcp_enter(c);
	while (status == OK && connection->snd_una != connection->snd_end + connection->is_shut) {
		if (tcp_is_over(c))
			status = (enum status)connection->error;
		else
			status = tcp_wait_for_news(c, deadline);
	}
	tcp_leave(c);
	return status;
}
