/*
 * Input is read only after the monitor's wait found it readable, since the host's standard input may
 * be shared and must not be made non-blocking.
 */
#include "host/monitor/console.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

volatile sig_atomic_t console_is_closing;

/* Leaves errno alone. */
static void wait_for_room(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLOUT };
	int kept = errno;

	(void)syscall(SYS_ppoll, &polled, 1, NULL, NULL, 0);
	errno = kept;
}

void console_write(int fd, struct iovec *parts, unsigned count)
{
	while (count > 0 && !console_is_closing) {
		ssize_t n = writev(fd, parts, (int)count);

		if (n < 0 && errno == EAGAIN)
			wait_for_room(fd); /* somebody made our output non-blocking */
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return;
		while (count > 0 && (size_t)n >= parts->iov_len) {
			n -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count > 0) {
			parts->iov_base = (uint8_t *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
}

static bool transmit(struct console_device *console)
{
	struct queue *queue = &console->device.queues[VIRTIO_CONSOLE_TRANSMIT];
	unsigned waiting = queue_waiting(queue);
	bool was_tight = waiting > queue->size / 2u;
	struct iovec parts[QUEUE_PARTS_MAX];
	struct queue_chain chain;

	if (waiting == 0)
		return false;
	while (waiting-- > 0 && queue_pop(queue, &chain, parts)) {
		console_write(console->output, parts, chain.part_count);
		queue_push(queue, chain.head, 0);
	}
	queue_expect(queue, queue->size / 2u + 1);
	return queue_publish(queue) || was_tight;
}

static bool receive(struct console_device *console)
{
	struct queue *queue = &console->device.queues[VIRTIO_CONSOLE_RECEIVE];
	struct iovec parts[QUEUE_PARTS_MAX];
	struct queue_chain chain;
	ssize_t n;

	if (!console->device.input_ready || !queue_pop(queue, &chain, parts))
		return false;
	console->device.input_ready = false;
	n = readv(console->input, parts, chain.part_count);
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		console->device.input_fd = -1;
	if (n < 0)
		n = 0;
	queue_push(queue, chain.head, (uint32_t)n);
	queue_publish(queue);
	queue_expect(queue, 0);
	return true;
}

static bool serve(struct device *device)
{
	struct console_device *console = (struct console_device *)device;
	bool has_sent = transmit(console);

	return receive(console) || has_sent;
}

static bool wants_input(struct device *device)
{
	return queue_waiting(&device->queues[VIRTIO_CONSOLE_RECEIVE]) > 0;
}

static void reset(struct device *device)
{
	device->input_ready = false;
}

static const struct device_ops console_ops = { serve, wants_input, reset };

void console_init(struct console_device *console, const struct guest_memory *memory,
	const char *name, int input, int output)
{
	struct device *device = &console->device;

	memset(console, 0, sizeof(*console));
	device->ops = &console_ops;
	device->name = name;
	device->id = VIRTIO_ID_CONSOLE;
	device->offered = VIRTIO_F_VERSION_1 | VIRTIO_F_RING_EVENT_IDX;
	device->queue_count = 2;
	queue_init(&device->queues[VIRTIO_CONSOLE_RECEIVE], memory, true);
	queue_init(&device->queues[VIRTIO_CONSOLE_TRANSMIT], memory, false);
	device->input_fd = input;
	console->input = input;
	console->output = output;
}
