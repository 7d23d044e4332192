/*
 * The shim before hostile bytes: a command line, then a body that writes its ring memory as it likes and
 * submits, while the device's used ring holds anything. Whatever comes: the device's copies lie where
 * devices may go, and the shim stays within its pages.
 */
#include <stdint.h>
#include <string.h>

#include "diatom/assert.h"
#include "shim/cmdline.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cmdline line;
	char text[TEXT_MAX + 1];
	size_t length = size < TEXT_MAX ? size : TEXT_MAX;

	memcpy(text, data, length);
	text[length] = '\0';
	if (!cmdline_parse(&line, text))
		ASSERT(line.word != NULL && line.remedy != NULL);
	play(data, size);
	return 0;
}
