/*
 * The shim before hostile bytes: a command line; a memory map; then a body that writes its ring memory as
 * it likes and submits, while the device's used ring holds anything. Whatever comes: the world lies in
 * RAM that nobody else claims, the device's copies lie where devices may go, and the shim stays within
 * its pages.
 */
#include <stdint.h>
#include <string.h>

#include "diatom/assert.h"
#include "shim/cmdline.h"
#include "shim/layout.h"
#include "shim/loader.h"
#include "shim/ring.h"

#define HEAP	 8192
#define END	 32768
#define IMAGE	 4096
#define SIZE	 16
#define PIECE	 24
#define TEXT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Alignas(4096) uint8_t bytes[END], own[8192], used[4096];
static const struct ring_memory memory = { bytes, HEAP, END, IMAGE, HEAP };

static void check_copy(const struct ring *ring, uint16_t at)
{
	const struct virtio_descriptor *d = &ring->descriptors[at];
	uint64_t end = d->address + d->length;
	bool is_written = (d->flags & VIRTIO_DESC_WRITE) != 0;

	ASSERT(end >= d->address && end <= END && d->address >= (is_written ? HEAP : IMAGE));
	ASSERT((d->flags & VIRTIO_DESC_INDIRECT) == 0);
}

static void check_ring(const struct ring *ring)
{
	for (uint16_t i = 0; i < SIZE; i++)
		if ((ring->with_device[i / 8] >> i % 8 & 1) != 0)
			check_copy(ring, i);
}

static void play(const uint8_t *data, size_t size)
{
	struct ring ring = { .memory = &memory };

	memset(bytes, 0, sizeof(bytes));
	if (!ring_begin(&ring, HEAP, SIZE, own, used))
		return;
	while (size >= PIECE) {
		/* One write of the body's, one of the device's, and a submission. */
		memcpy(bytes + HEAP + data[0] % 40 * 8, data + 1, 16);
		memcpy(used + data[17] % 80 * 2, data + 18, 4);
		ring_submit(&ring, (uint16_t)(ring.submitted + data[22] % (SIZE + 2)));
		ring_arm(&ring);
		ring_has_output(&ring);
		check_ring(&ring);
		data += PIECE;
		size -= PIECE;
	}
}

/* A memory map of words, in units of 64 KiB so that ranges meet. */
static void read_map(struct loader *loader, const uint8_t *data, size_t size)
{
	*loader = (struct loader){ 0 };
	for (; size >= 5 && loader->range_count < 8; data += 5, size -= 5) {
		struct loader_range *range = &loader->ranges[loader->range_count++];
		uint64_t start = (uint64_t)data[0] << 16 | (uint64_t)data[1] << 24;

		*range = (struct loader_range){ start,
			start + ((uint64_t)data[2] << 16 | (uint64_t)data[3] << 24),
			data[4] % 3 != 0 };
		if (data[4] % 16 == 0)
			loader->modules[loader->module_count++ % LOADER_MODULES_MAX] = *range;
	}
	if (loader->module_count > LOADER_MODULES_MAX)
		loader->module_count = LOADER_MODULES_MAX;
}

static void check_free(const struct loader *loader, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < loader->range_count; i++)
		ASSERT(loader->ranges[i].is_ram || start >= end || loader->ranges[i].start >= end ||
			loader->ranges[i].end <= start);
	for (unsigned i = 0; i < loader->module_count; i++)
		ASSERT(start >= end || loader->modules[i].start >= end ||
			loader->modules[i].end <= start);
}

static void lay_out(const uint8_t *data, size_t size)
{
	static const struct shim_image image = {
		.span_bytes = 0x5000, .stack_bytes = 16384, .stack_count_max = 100
	};
	static struct loader loader;
	uint64_t numbers[PLACE_NUMBERS(LAYOUT_REGIONS)] = { 0 };
	struct layout_wishes wishes = { .device_count = 2, .numbers = numbers };
	struct layout layout;

	read_map(&loader, data, size);
	if (!loader_memory(
		    &loader, SHIM_BODY_PHYSICAL + image.span_bytes, &wishes.low, &wishes.heap) ||
		layout_make(&layout, &image, &wishes) != 0)
		return;
	check_free(&loader, layout.body.stack.physical, layout.tables_end);
	check_free(&loader, layout.body.heap.physical,
		layout.body.heap.physical + layout.body.heap.bytes);
	ASSERT(layout.tables_end <= layout.body.heap.physical ||
		layout.body.heap.physical + layout.body.heap.bytes <= layout.body.stack.physical);
	ASSERT(layout.body.stack.physical >= SHIM_BODY_PHYSICAL + image.span_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cmdline line;
	char text[TEXT_MAX + 1];
	size_t length = size < TEXT_MAX ? size : TEXT_MAX;

	memcpy(text, data, length);
	text[length] = '\0';
	if (!cmdline_parse(&line, text))
		ASSERT(line.word != NULL && line.remedy != NULL);
	lay_out(data, size);
	play(data, size);
	return 0;
}
