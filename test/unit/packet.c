/*
 * Packets: headroom, fragments, references, the pool's limit in a small VM.
 */
#include "diatom/counter.h"
#include "diatom/memory.h"
#include "diatom/packet.h"
#include "plat/hosted.h"
#include "test/check.h"

static unsigned released;

static void release(void *owner)
{
	released += *(unsigned *)owner;
}

static void has_headroom(void)
{
	struct packet *packet = packet_alloc();

	CHECK_EQUAL(packet_headroom(packet), PACKET_HEADROOM);
	CHECK_EQUAL(packet_tailroom(packet), PACKET_BUFFER_BYTES - PACKET_HEADROOM);
	CHECK_EQUAL(packet->references, 1);
	CHECK(packet_push(packet, PACKET_HEADROOM) == packet->buffer);
	CHECK(packet_push(packet, 1) == NULL);
	CHECK_EQUAL(packet->total_length, PACKET_HEADROOM);
	CHECK(packet_pull(packet, 28));
	CHECK(!packet_pull(packet, 101));
	CHECK_EQUAL(packet->length, 100);
	packet_free(packet);
	packet_free(NULL);
}

static void refers_to_memory_elsewhere(void)
{
	static const char text[] = "payload";
	unsigned owner = 1;
	struct packet *head = packet_alloc(), *tail;

	released = 0;
	tail = packet_refer(view_of(text, 7), release, &owner);
	CHECK_EQUAL(packet_headroom(tail), 0);
	CHECK_EQUAL(packet_tailroom(tail), 0);
	packet_push(head, 8);
	packet_append(head, tail);
	packet_append(head, packet_refer(view_of(text, 3), NULL, NULL));
	CHECK_EQUAL(head->total_length, 18);
	CHECK_EQUAL(head->length, 8);
	packet_ref(head);
	packet_free(head);
	CHECK_EQUAL(released, 0);
	packet_free(head);
	CHECK_EQUAL(released, 1);
}

/* A fragment with a reference of its own outlives the packet that it hung on. */
static void fragment_outlives_its_packet(void)
{
	unsigned owner = 1;
	struct packet *head = packet_alloc(),
		      *tail = packet_refer(view_of("x", 1), release, &owner);

	released = 0;
	packet_append(head, packet_ref(tail));
	packet_free(head);
	CHECK_EQUAL(released, 0);
	CHECK_EQUAL(tail->data[0], 'x');
	packet_free(tail);
	CHECK_EQUAL(released, 1);
}

static void pool_has_a_limit(void)
{
	struct packet_queue queue = { 0 };
	struct packet *packet;
	size_t n = 0;

	while ((packet = packet_alloc()) != NULL) {
		CHECK((uintptr_t)packet->buffer / MEBIBYTES(2) ==
			((uintptr_t)packet->buffer + PACKET_BUFFER_BYTES - 1) / MEBIBYTES(2));
		memset(packet->buffer, 0xaa, PACKET_BUFFER_BYTES);
		packet_queue_put(&queue, packet);
		n++;
	}
	CHECK(n > 1000 && n <= MEBIBYTES(3) / 2176);
	CHECK_EQUAL(counter_value("packet.refused"), 1);
	CHECK(memory_usage().used_bytes < MEBIBYTES(4));
	CHECK_EQUAL(queue.count, n);
	while ((packet = packet_queue_take(&queue)) != NULL)
		packet_free(packet);
	CHECK((packet = packet_alloc()) != NULL);
	packet_free(packet);
}

int main(void)
{
	plat_hosted_set_memory(MEBIBYTES(6), 16384, 64);
	return RUN(TEST(has_headroom), TEST(refers_to_memory_elsewhere),
		TEST(fragment_outlives_its_packet), TEST(pool_has_a_limit));
}
