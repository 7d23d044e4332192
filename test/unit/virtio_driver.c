/*
 * The virtio driver against devices that are wrong: registers are plain memory, and the test writes
 * the device's side of the ring. Numbers in brackets are sections of virtio 1.2.
 */
#include "diatom/memory.h"
#include "drv/virtio.h"
#include "drv/vnet.h"
#include "test/check.h"

static uint32_t registers[VIRTIO_MMIO_CONFIG / 4];
static struct boot_device boot = { .transport = BOOT_VIRTIO_MMIO, .name = "eth0" };
static struct virtio virtio;

#define REGISTER(name) registers[VIRTIO_MMIO_##name / 4]

/* Registers that read what was written: both halves of the features are the same word. */
static enum status begin(uint32_t features)
{
	boot.address = (uintptr_t)registers;
	memset(registers, 0, sizeof(registers));
	REGISTER(MAGIC) = VIRTIO_MMIO_MAGIC_VALUE;
	REGISTER(VERSION) = 2;
	REGISTER(DEVICE_ID) = VIRTIO_ID_NET;
	REGISTER(DEVICE_FEATURES) = features;
	REGISTER(QUEUE_SIZE_MAX) = 8;
	return virtio_begin(&virtio, &boot, VIRTIO_ID_NET, VIRTIO_NET_F_CSUM, 0);
}

enum { VERSION_1 = 1, GOOD = (uint32_t)VIRTIO_F_RING_EVENT_IDX | VERSION_1 };

/* [3.1.1], [2.1.1]: bits are added one by one and never cleared, FAILED included. */
static void status_bits(void)
{
	const uint32_t met = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER;

	CHECK_EQUAL(begin(GOOD), OK);
	CHECK_EQUAL(REGISTER(STATUS), met | VIRTIO_STATUS_FEATURES_OK);
	virtio_finish(&virtio);
	CHECK_EQUAL(REGISTER(STATUS), met | VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
	CHECK_EQUAL(begin(VERSION_1), DEVICE_FAILED); /* no event index */
	CHECK_EQUAL(REGISTER(STATUS), met | VIRTIO_STATUS_FAILED);
	CHECK_EQUAL(begin((uint32_t)VIRTIO_F_RING_EVENT_IDX), DEVICE_FAILED); /* not virtio 1 */
	CHECK_EQUAL(REGISTER(STATUS), met | VIRTIO_STATUS_FAILED);
}

/* [2.2.1]: nothing that the device doesn't offer or that the driver doesn't know is accepted. */
static void features_are_those_of_both(void)
{
	CHECK_EQUAL(begin(GOOD | 0x7f0), OK); /* bit 0 of the low word is CSUM, which is wanted */
	CHECK(virtio.features ==
		(VIRTIO_F_VERSION_1 | VIRTIO_F_RING_EVENT_IDX | VIRTIO_NET_F_CSUM));
	CHECK_EQUAL(REGISTER(DRIVER_FEATURES), VERSION_1); /* the high half came last */
}

/* [4.2.2.2]: another magic number, version or device is left alone. */
static void strangers_are_left_alone(void)
{
	static const struct {
		enum virtio_mmio_register at;
		uint32_t value;
	} rows[] = { { VIRTIO_MMIO_MAGIC, 1 }, { VIRTIO_MMIO_VERSION, 1 },
		{ VIRTIO_MMIO_DEVICE_ID, 0 }, { VIRTIO_MMIO_DEVICE_ID, VIRTIO_ID_BLOCK } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin(GOOD);
		REGISTER(STATUS) = 0x55;
		registers[rows[i].at / 4] = rows[i].value;
		CHECK_EQUAL(virtio_begin(&virtio, &boot, VIRTIO_ID_NET, 0, 0), DEVICE_FAILED);
		CHECK_EQUAL(REGISTER(STATUS), 0x55);
	}
}

static struct virtqueue queue;
static uint8_t *buffer;

static void give(void *token)
{
	struct virtqueue_piece piece = { buffer, 100 };

	CHECK(virtqueue_add(&queue, &piece, 1, true, token));
	virtqueue_publish(&queue);
}

static void start_queue(void)
{
	if (buffer == NULL)
		buffer = extent_alloc(4096);
	begin(GOOD);
	CHECK_EQUAL(virtio_queue(&virtio, &queue, 0, VIRTIO_QUEUE_SIZE_MAX), OK);
	CHECK_EQUAL(queue.size, 8);
}

static void use(uint32_t id, uint32_t length)
{
	queue.used->ring[queue.used->index & 7] = (struct virtio_used_element){ id, length };
	queue.used->index++;
}

/* What a device may not do to the used ring [2.7.8]: the queue is given up, nothing is handed out. */
static void used_ring_is_not_trusted(void)
{
	static const struct {
		const char *name;
		unsigned given, index;
		uint32_t ids[2];
		unsigned taken; /* before the queue is given up */
	} rows[] = {
		{ "all is well", 2, 2, { 0, 1 }, 2 },
		{ "in another order", 2, 2, { 1, 0 }, 2 },
		{ "more than given", 1, 2, { 0, 0 }, 0 },
		{ "index far ahead", 2, 0x8000, { 0, 1 }, 0 },
		{ "id beyond the ring", 2, 1, { 8 }, 0 },
		{ "id that wraps", 2, 1, { 0x10000 }, 0 },
		{ "id not given", 2, 1, { 5 }, 0 },
		{ "id twice", 2, 2, { 1, 1 }, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned taken = 0;
		uint32_t length;

		start_queue();
		for (unsigned n = 0; n < rows[i].given; n++)
			give(&queue);
		for (unsigned n = 0; n < 2; n++)
			use(rows[i].ids[n], 10);
		queue.used->index = (uint16_t)rows[i].index;
		while (taken < 10 && virtqueue_take(&queue, &length) != NULL)
			taken++;
		if (taken != rows[i].taken || queue.is_broken != (taken != 2))
			CHECK_FAIL("%s: %u taken", rows[i].name, taken);
	}
}

/* [2.7.10]: the doorbell rings when the index passes the event the device waits for, else not. */
static void doorbell_by_event_index(void)
{
	static const struct {
		uint16_t event;
		bool rings;
	} rows[] = { { 0, true }, { 1, false }, { 0xffff, false } };
	volatile uint16_t *event;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start_queue();
		event = (uint16_t *)&queue.used->ring[queue.size];
		*event = rows[i].event;
		REGISTER(QUEUE_NOTIFY) = 99;
		give(&queue);
		CHECK_EQUAL(REGISTER(QUEUE_NOTIFY) == 0, rows[i].rings);
		CHECK_EQUAL(queue.available->flags, 0); /* [2.7.7.1] */
	}
}

/* [2.7.5]: no more chains than descriptors; each is given once. */
static void full_ring(void)
{
	struct virtqueue_piece pieces[3] = { { buffer, 1 }, { buffer, 2 }, { buffer, 3 } };
	uint32_t length;

	start_queue();
	CHECK(virtqueue_add(&queue, pieces, 3, false, &queue));
	CHECK(virtqueue_add(&queue, pieces, 3, false, &queue));
	CHECK(!virtqueue_add(&queue, pieces, 3, false, &queue));
	CHECK_EQUAL(queue.free_count, 2);
	virtqueue_publish(&queue);
	use(0, 0);
	CHECK(virtqueue_take(&queue, &length) != NULL);
	CHECK_EQUAL(queue.free_count, 5);
	CHECK(virtqueue_add(&queue, pieces, 3, false, &queue));
}

/* The header before each frame [5.1.6.4.2]. */
static void offload_header_rows(void)
{
	static const struct {
		const char *name;
		struct virtio_net_header header;
		bool is_fine;
		uint8_t flags;
	} rows[] = {
		{ "plain", { 0 }, true, 0 },
		{ "vouched for", { .flags = 2 }, true, PACKET_CHECKSUM_VALID },
		{ "unknown flag", { .flags = 0x80 }, true, 0 }, /* to be ignored */
		{ "partial", { .flags = 1, .checksum_start = 34, .checksum_offset = 6 }, true,
			PACKET_CHECKSUM_PARTIAL },
		{ "field at the end", { .flags = 1, .checksum_start = 92, .checksum_offset = 6 },
			true, PACKET_CHECKSUM_PARTIAL },
		{ "field beyond", { .flags = 1, .checksum_start = 93, .checksum_offset = 6 }, false,
			0 },
		{ "sum that wraps",
			{ .flags = 1, .checksum_start = 65535, .checksum_offset = 65535 }, false,
			0 },
		{ "segments", { .gso_type = 5, .gso_size = 50 }, true, 0 },
		{ "segments of nothing", { .gso_type = 5 }, false, 0 },
		{ "unknown segmentation", { .gso_type = 3, .gso_size = 50 }, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct packet packet = { .length = 100, .total_length = 100 };
		bool is_fine = vnet_decode(&rows[i].header, &packet);

		if (is_fine != rows[i].is_fine || (is_fine && packet.flags != rows[i].flags))
			CHECK_FAIL("%s", rows[i].name);
	}
}

/* [5.1.6.2.1]: flags, segmentation and num_buffers are zero unless there is a reason. */
static void offload_header_that_we_send(void)
{
	struct packet packet = { .length = 100,
		.total_length = 100,
		.checksum_start = 34,
		.checksum_offset = 6,
		.segment_bytes = 50 };
	struct virtio_net_header header, zero = { 0 };

	memset(&header, 0xff, sizeof(header));
	vnet_encode(&header, &packet);
	CHECK(memcmp(&header, &zero, sizeof(header)) == 0);
	packet.flags = PACKET_CHECKSUM_PARTIAL;
	vnet_encode(&header, &packet);
	CHECK(header.flags == 1 && header.checksum_start == 34 && header.checksum_offset == 6);
	CHECK(header.gso_type == 0 && header.buffer_count == 0);
}

int main(void)
{
	return RUN(TEST(status_bits), TEST(features_are_those_of_both),
		TEST(strangers_are_left_alone), TEST(used_ring_is_not_trusted),
		TEST(doorbell_by_event_index), TEST(full_ring), TEST(offload_header_rows),
		TEST(offload_header_that_we_send));
}
