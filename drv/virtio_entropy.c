/*
 * The virtio entropy device (virtio 1.2, 5.4), of images that declare DIATOM_ENTROPY: its declaration
 * refers to random_collect, so that only they carry this file.
 *
 * One buffer is with the device. core/random.c asks for what has come at its first use and now and
 * then later; the first time the device is served at once, so that the first key has it.
 */
#include <string.h>

#include "abi/manifest.h"
#include "diatom/app.h"
#include "diatom/counter.h"
#include "diatom/memory.h"
#include "diatom/random.h"
#include "drv/virtio.h"
#include "plat/plat.h"

COUNTER(bad_length, "virtio_entropy.bad_length",
	"answers dropped: the device lies about their length");

#define ENTROPY_BYTES 64

static struct {
	struct virtio virtio;
	struct virtqueue queue;
	bool is_tried, is_open;
	uint8_t *bytes; /* of the heap: the host writes nowhere else */
} source;

static void post(void)
{
	struct virtqueue_piece piece = { source.bytes, ENTROPY_BYTES };

	if (virtqueue_add(&source.queue, &piece, 1, true, source.bytes))
		virtqueue_publish(&source.queue);
}

/* The host gives every declared device in a VM; a process is seeded by its start alone. */
static void start(void)
{
	const struct boot_device *boot = plat_device(MANIFEST_ENTROPY, "");

	source.is_tried = true;
	if (boot == NULL || !virtio_is(boot))
		return;
	if (virtio_begin(&source.virtio, boot, VIRTIO_ID_ENTROPY, 0, 0) != OK ||
		virtio_queue(&source.virtio, &source.queue, 0, 1) != OK)
		return;
	source.bytes = extent_alloc(ENTROPY_BYTES);
	if (source.bytes == NULL)
		return;
	virtio_finish(&source.virtio);
	source.is_open = true;
	post();
	plat_sleep(AT_ONCE);
}

void random_collect(void)
{
	uint32_t length;

	if (!source.is_tried)
		start();
	if (!source.is_open || virtqueue_take(&source.queue, &length) == NULL)
		return;
	if (length > ENTROPY_BYTES) {
		count(&bad_length);
		length = 0;
	}
	random_add(source.bytes, length);
	memset(source.bytes, 0, ENTROPY_BYTES);
	post();
}
