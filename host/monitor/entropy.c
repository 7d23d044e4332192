/*
 * At most CHAIN_MAX bytes a request: a guest must not keep the host busy by one descriptor of
 * gigabytes. The used length tells the driver how many it got.
 */
#include "host/monitor/entropy.h"

#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#define CHAIN_MAX 4096

static uint32_t fill(struct iovec *parts, unsigned count)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < count && done < CHAIN_MAX; i++) {
		size_t n =
			parts[i].iov_len < CHAIN_MAX - done ? parts[i].iov_len : CHAIN_MAX - done;
		ssize_t got = n == 0 ? 0 : getrandom(parts[i].iov_base, n, 0);

		if (got < 0)
			break;
		done += (uint32_t)got;
		if ((size_t)got < parts[i].iov_len)
			break;
	}
	return done;
}

static bool serve(struct device *device)
{
	struct queue *queue = &device->queues[0];
	unsigned waiting = queue_waiting(queue);
	struct iovec parts[QUEUE_PARTS_MAX];
	struct queue_chain chain;

	if (waiting == 0)
		return false;
	while (waiting-- > 0 && queue_pop(queue, &chain, parts))
		queue_push(queue, chain.head, fill(parts, chain.part_count));
	queue_publish(queue);
	queue_expect(queue, 1);
	return true;
}

static bool wants_input(struct device *device)
{
	return false;
}

static void reset(struct device *device)
{
}

static const struct device_ops entropy_ops = { serve, wants_input, reset };

void entropy_init(
	struct entropy_device *entropy, const struct guest_memory *memory, const char *name)
{
	struct device *device = &entropy->device;

	memset(entropy, 0, sizeof(*entropy));
	device->ops = &entropy_ops;
	device->name = name;
	device->id = VIRTIO_ID_ENTROPY;
	device->offered = VIRTIO_F_VERSION_1 | VIRTIO_F_RING_EVENT_IDX;
	device->queue_count = 1;
	queue_init(&device->queues[0], memory, true);
	device->input_fd = -1;
}
