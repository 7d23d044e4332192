/*
 * The virtio console's input (virtio 1.2, 5.3): a few buffers are with the device; one that comes back
 * is read to its end before it is given to the device again.
 */
#include <string.h>

#include "diatom/counter.h"
#include "diatom/memory.h"
#include "diatom/task.h"
#include "drv/console.h"
#include "drv/virtio.h"

#define BUFFERS	     4
#define BUFFER_BYTES 512

COUNTER(rx_bad_length, "virtio_console.rx_bad_length",
	"buffers dropped: the device lies about their length");

struct virtio_console {
	struct console_device device;
	struct virtio virtio;
	struct virtqueue receive, transmit;
	uint8_t *reading; /* the buffer that is being read; NULL: none */
	size_t from, to;  /* what is left of it */
	uint8_t buffers[BUFFERS][BUFFER_BYTES];
};

static struct virtio_console *console_of(struct console_device *device)
{
	return CONTAINER_OF(device, struct virtio_console, device);
}

static void post(struct virtio_console *console, uint8_t *buffer)
{
	struct virtqueue_piece piece = { buffer, BUFFER_BYTES };

	virtqueue_add(&console->receive, &piece, 1, true, buffer);
	virtqueue_publish(&console->receive);
}

/* Makes sure that a buffer with bytes is being read, if there is one. */
static bool next_buffer(struct virtio_console *console)
{
	uint32_t length;

	while (console->reading == NULL) {
		console->reading = virtqueue_take(&console->receive, &length);
		if (console->reading == NULL)
			return false;
		if (length > BUFFER_BYTES) {
			count(&rx_bad_length);
			length = 0;
		}
		console->from = 0;
		console->to = length;
		if (length == 0) {
			post(console, console->reading);
			console->reading = NULL;
		}
	}
	return true;
}

static enum status virtio_take(
	struct console_device *device, void *out, size_t room, size_t *length)
{
	struct virtio_console *console = console_of(device);

	if (!next_buffer(console))
		return console->receive.is_broken ? DEVICE_FAILED : EMPTY;
	*length = console->to - console->from < room ? console->to - console->from : room;
	memcpy(out, console->reading + console->from, *length);
	console->from += *length;
	if (console->from == console->to) {
		post(console, console->reading);
		console->reading = NULL;
	}
	return OK;
}

static bool virtio_has_input(struct console_device *device)
{
	struct virtio_console *console = console_of(device);

	return next_buffer(console) || console->receive.is_broken;
}

static bool virtio_prepare_sleep(struct poller *poller)
{
	struct virtio_console *console = CONTAINER_OF(poller, struct virtio_console, device.poller);

	/* News that nobody waits for is no reason to stay awake. */
	return virtqueue_arm(&console->receive) && console->device.readers.first != NULL;
}

static enum status start(struct virtio_console *console, const struct boot_device *boot)
{
	enum status status = virtio_begin(&console->virtio, boot, VIRTIO_ID_CONSOLE, 0, 0);

	if (status == OK)
		status = virtio_queue(
			&console->virtio, &console->receive, VIRTIO_CONSOLE_RECEIVE, BUFFERS);
	if (status == OK) /* output goes by the platform call; the queue has to exist */
		status = virtio_queue(
			&console->virtio, &console->transmit, VIRTIO_CONSOLE_TRANSMIT, BUFFERS);
	if (status != OK)
		return status;
	virtio_finish(&console->virtio);
	for (unsigned i = 0; i < BUFFERS; i++)
		post(console, console->buffers[i]);
	return OK;
}

enum status virtio_console_open(const struct boot_device *boot, struct console_device **device)
{
	struct virtio_console *console = extent_alloc(sizeof(*console));
	enum status status;

	if (console == NULL)
		return NO_MEMORY;
	memset(console, 0, sizeof(*console));
	status = start(console, boot);
	if (status != OK) {
		extent_free(console, sizeof(*console));
		return status;
	}
	console->device.take = virtio_take;
	console->device.has_input = virtio_has_input;
	console->device.poller.prepare_sleep = virtio_prepare_sleep;
	*device = &console->device;
	return OK;
}
