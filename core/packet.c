/*
 * Packets: one pool of packets with a buffer, one of bare fragments that refer to memory elsewhere.
 *
 *     | struct packet | pad | headroom 128 | ...              2048 bytes of buffer |
 *     0               128                                                       2176
 *
 * 2176 is 34 cache lines, so neighbours don't share cache sets; no buffer crosses a 2 MiB page, so
 * each is one piece of guest-physical memory. Buffers take at most half of the heap: a flood then
 * runs into a counted limit, and the rest of the program still has memory.
 */
#include <string.h>

#include "diatom/assert.h"
#include "diatom/counter.h"
#include "diatom/memory.h"
#include "diatom/packet.h"

#define BUFFER_OFFSET 128

_Static_assert(sizeof(struct packet) <= BUFFER_OFFSET, "the buffer follows its packet");

static struct pool buffers = {
	.name = "packets", .object_bytes = BUFFER_OFFSET + PACKET_BUFFER_BYTES, .alignment = 64
};
static struct pool references = { .name = "packet references",
	.object_bytes = sizeof(struct packet) };

COUNTER(packet_refused, "packet.refused", "packets not allocated: the pool is at its limit");

/* Both limits follow from the heap's size: a half of it, and a sixteenth. */
static void set_limits(void)
{
	size_t heap_bytes = memory_usage().heap_bytes;

	buffers.limit = heap_bytes / 2 / buffers.object_bytes;
	references.limit = heap_bytes / 16 / references.object_bytes;
}

static struct packet *packet_take(struct pool *pool)
{
	struct packet *packet;

	if (!pool->limit)
		set_limits();
	packet = pool_alloc(pool);
	if (!packet) {
		count(&packet_refused);
		return NULL;
	}
	*packet = (struct packet){ .references = 1 };
	return packet;
}

struct packet *packet_alloc(void)
{
	struct packet *packet = packet_take(&buffers);

	if (packet) {
		packet->buffer = (uint8_t *)packet + BUFFER_OFFSET;
		packet->data = packet->buffer + PACKET_HEADROOM;
		packet->capacity = PACKET_BUFFER_BYTES;
	}
	return packet;
}

struct packet *packet_refer(struct view bytes, void (*release)(void *owner), void *owner)
{
	struct packet *packet;

	ASSERT(bytes.length <= UINT32_MAX);
	packet = packet_take(&references);
	if (packet) {
		packet->data = packet->buffer = (uint8_t *)bytes.data;
		packet->length = packet->total_length = packet->capacity = (uint32_t)bytes.length;
		packet->is_reference = true;
		packet->release = release;
		packet->owner = owner;
	}
	return packet;
}

void packet_free(struct packet *packet)
{
	while (packet) {
		struct packet *fragment = packet->fragment;

		ASSERT(packet->references > 0);
		if (--packet->references > 0)
			return; /* whoever still holds it holds its fragments, too */
		if (packet->release)
			packet->release(packet->owner);
		pool_free(packet->is_reference ? &references : &buffers, packet);
		packet = fragment;
	}
}

void packet_append(struct packet *packet, struct packet *tail)
{
	struct packet **end = &packet->fragment;

	while (*end)
		end = &(*end)->fragment;
	*end = tail;
	packet->total_length += tail->total_length;
}

struct packet *packet_cut(struct packet *packet, size_t length)
{
	while (length >= packet->length && packet->fragment) {
		struct packet *rest = packet->fragment;

		rest->total_length = packet->total_length - packet->length;
		length -= packet->length;
		packet->fragment = NULL;
		packet_free(packet);
		packet = rest;
	}
	packet_pull(packet, length);
	return packet;
}

void packet_trim(struct packet *packet, size_t length)
{
	uint32_t left = (uint32_t)length;

	packet->total_length = left;
	for (struct packet *part = packet; part; part = part->fragment) {
		if (part->length > left)
			part->length = left;
		left -= part->length;
	}
}

static void release_whole(void *owner)
{
	packet_free(owner);
}

struct packet *packet_part(struct packet *whole, size_t offset, size_t length)
{
	struct packet *packet = packet_alloc();

	for (struct packet *part = whole; packet != NULL && part != NULL && length > 0;
		part = part->fragment) {
		struct view bytes = view_part(packet_view(part), offset, length);
		struct packet *tail;

		offset -= offset < part->length ? offset : part->length;
		if (bytes.length == 0)
			continue;
		tail = packet_refer(bytes, release_whole, packet_ref(whole));
		if (tail == NULL) {
			packet_free(whole);
			packet_free(packet);
			return NULL;
		}
		packet_append(packet, tail);
		length -= bytes.length;
	}
	return packet;
}
