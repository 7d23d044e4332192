/*
 * The send queue: chunks, each a packet of one fragment whose bytes it owns or refers to.
 *
 *     snd_una             snd_nxt              snd_end
 *        | chunk | chunk    |   | chunk | chunk   |
 *                  ^ cursor: where the last sending found its bytes
 *
 * Segments refer to parts of chunks (net/tcp_emit.c) and hold a reference each, so a chunk that was
 * acknowledged while the device still has it stays until the device lets go.
 */
#include "net/tcp_inner.h"

#define CHARGE_LEAST 256 /* what a chunk counts for at least, so that tiny ones are bounded, too */

/* Against the connection's limit. What is referred to counts as far as it is not acknowledged: else a
 * piece as large as the limit would let nothing follow it before its last byte is. */
static uint32_t charge_of(const struct packet *chunk)
{
	uint32_t bytes = chunk->is_reference ? chunk->length : chunk->capacity;

	return bytes > CHARGE_LEAST ? bytes : CHARGE_LEAST;
}

/* Against the host's: what is not a pool buffer is somebody else's memory. */
static uint32_t memory_of(const struct packet *chunk)
{
	return chunk->capacity == PACKET_BUFFER_BYTES ? PACKET_BUFFER_BYTES : CHARGE_LEAST;
}

/*
 * Of what is left for all connections one may queue this part, so that something is always left. Else those
 * whose peers read nothing would take all, and nobody else could be answered.
 */
#define SHARE 16

size_t tcp_connection_room(const struct tcp_connection *c)
{
	size_t share = tcp_memory_left(c->host) / SHARE;
	size_t most = share < c->send_limit ? share : c->send_limit;

	if (c->is_shut || c->send_charged >= most)
		return 0;
	if (c->flow.ends.state != TCP_ESTABLISHED && c->flow.ends.state != TCP_CLOSE_WAIT)
		return 0;
	return most - c->send_charged;
}

void tcp_connection_queue(struct tcp_connection *c, struct packet *packet)
{
	if (packet->length == 0) {
		packet_free(packet);
		return;
	}
	c->send_charged += charge_of(packet);
	c->host->memory += memory_of(packet);
	if (c->snd_una == c->snd_end)
		c->progress_ms = tcp_now_ms(c->host);
	c->snd_end += packet->length;
	packet_queue_put(&c->chunks, packet);
}

/* The last chunk, if bytes may be added to it: it is a pool's buffer, and nobody else adds. */
static struct packet *tail_of(struct tcp_connection *c)
{
	struct packet *tail;

	if (c->chunks.first == NULL)
		return NULL;
	tail = (struct packet *)((char *)c->chunks.end - offsetof(struct packet, next));
	return tail->is_growing ? tail : NULL;
}

static size_t append(struct tcp_connection *c, struct packet *tail, struct view bytes)
{
	size_t room = packet_tailroom(tail), length = bytes.length < room ? bytes.length : room;

	memcpy(tail->data + tail->length, bytes.data, length);
	tail->length += (uint32_t)length;
	tail->total_length += (uint32_t)length;
	c->snd_end += (uint32_t)length;
	return length;
}

size_t tcp_connection_copy(struct tcp_connection *c, struct view bytes)
{
	struct packet *tail = tail_of(c);
	size_t done = tail != NULL ? append(c, tail, bytes) : 0;

	while (done < bytes.length) {
		struct view rest = view_part(bytes, done, bytes.length);
		struct packet *chunk = packet_alloc();

		if (chunk == NULL)
			break;
		ASSERT(rest.data != NULL);
		chunk->data = chunk->buffer; /* headers never stand here */
		chunk->length = rest.length < PACKET_BUFFER_BYTES ? (uint32_t)rest.length
								  : PACKET_BUFFER_BYTES;
		chunk->total_length = chunk->length;
		chunk->is_growing = true;
		memcpy(chunk->data, rest.data, chunk->length);
		done += chunk->length;
		tcp_connection_queue(c, chunk);
	}
	return done;
}

struct packet *tcp_chunks_find(struct tcp_connection *c, uint32_t from, uint32_t *offset)
{
	struct packet *chunk = c->chunks.first;
	uint32_t start = c->snd_una;

	if (c->flight != NULL && c->flight->cursor != NULL &&
		!sequence_before(from, c->flight->cursor_start)) {
		chunk = c->flight->cursor;
		start = c->flight->cursor_start;
	}
	while (chunk != NULL && from - start >= chunk->length) {
		start += chunk->length;
		chunk = chunk->next;
	}
	if (chunk == NULL)
		return NULL;
	if (c->flight != NULL) {
		c->flight->cursor = chunk;
		c->flight->cursor_start = start;
	}
	*offset = from - start;
	return chunk;
}

static void drop_first(struct tcp_connection *c)
{
	struct packet *chunk = packet_queue_take(&c->chunks);

	if (c->flight != NULL && c->flight->cursor == chunk)
		c->flight->cursor = NULL;
	c->send_charged -= charge_of(chunk);
	c->host->memory -= memory_of(chunk);
	packet_free(chunk);
}

void tcp_chunks_acknowledge(struct tcp_connection *c, uint32_t una)
{
	uint32_t left = una - c->snd_una;
	struct packet *first;

	while (left > 0 && (first = c->chunks.first) != NULL) {
		if (left < first->length) {
			if (c->flight != NULL && c->flight->cursor == first)
				c->flight->cursor_start += left;
			c->send_charged -= charge_of(first);
			packet_pull(first, left);
			c->send_charged += charge_of(first);
			return;
		}
		left -= first->length;
		drop_first(c);
	}
}

void tcp_chunks_drop(struct tcp_connection *c)
{
	while (c->chunks.first != NULL)
		drop_first(c);
}
