/*
 * Receive keeps a short queue of buffers in hand, enough for the longest frame that may come, so
 * that each frame costs one readv. Transmit takes a chain, hands it to writev, and gives it back.
 *
 * Nothing of a frame is looked at here but its length: what a hostile header means is the kernel's to
 * judge, and it refuses what is wrong.
 */
#include "host/monitor/net.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HEADER_BYTES   sizeof(struct virtio_net_header)
#define ETHERNET_BYTES 18 /* header and VLAN tag */
#define SEGMENT_MAX    65550
#define JUMBO_MTU      16384 /* beyond, frames are as long as a datagram may be */

/* A doorbell comes when this many frames wait: half a ring. Sooner, the next sleep sends them. */
#define SEND_BATCH  128

#define PATIENCE_NS 2000000

/* Frames taken in one service, so that a flood can't keep the guest from running. */
#define RECEIVE_BATCH 256

static struct net_device *net_of(struct device *device)
{
	return (struct net_device *)device;
}

/* Copies into the buffers, which may be split anywhere. */
static void put_bytes(
	struct iovec *parts, unsigned count, size_t offset, const uint8_t *bytes, size_t n)
{
	for (unsigned i = 0; i < count && n > 0; i++) {
		if (offset >= parts[i].iov_len) {
			offset -= parts[i].iov_len;
			continue;
		}
		for (; offset < parts[i].iov_len && n > 0; n--)
			((uint8_t *)parts[i].iov_base)[offset++] = *bytes++;
		offset = 0;
	}
}

/* Adds the bytes [from, to) of the parts to a list, which grows by at most `count`. */
static unsigned cut(struct iovec *list, unsigned length, const struct iovec *parts, unsigned count,
	size_t from, size_t to)
{
	size_t at = 0;

	for (unsigned i = 0; i < count && at < to; at += parts[i++].iov_len) {
		size_t end = at + parts[i].iov_len < to ? at + parts[i].iov_len : to;
		size_t start = at < from ? from : at;

		if (start < end)
			list[length++] =
				(struct iovec){ (uint8_t *)parts[i].iov_base + (start - at),
					end - start };
	}
	return length;
}

/* The parts without the bytes of the guest's header that the descriptor doesn't have. */
static const struct iovec *skip_header(
	struct net_device *net, const struct iovec *parts, unsigned *count)
{
	unsigned n;

	if (net->lead == HEADER_BYTES)
		return parts;
	n = cut(net->scratch, 0, parts, *count, 0, net->lead);
	*count = cut(net->scratch, n, parts, *count, HEADER_BYTES, SIZE_MAX);
	return net->scratch;
}

/* One frame, by its length with the guest's header; 0 or less if there is none. */
static ssize_t read_frame(struct net_device *net, struct iovec *parts, unsigned count)
{
	static const uint8_t zeros[HEADER_BYTES];
	unsigned n = count;
	const struct iovec *seen = skip_header(net, parts, &n);
	ssize_t length = readv(net->tap, seen, (int)n);

	if (length == 0)
		net->device.input_fd = -1; /* the other side is gone */
	if (length <= 0 || net->lead == HEADER_BYTES)
		return length;
	put_bytes(parts, count, net->lead, zeros, HEADER_BYTES - net->lead);
	return length + (ssize_t)(HEADER_BYTES - net->lead);
}

/* Moves what is in hand to the front of the arrays. */
static void compact(struct net_buffers *b)
{
	memmove(b->chains, b->chains + b->chain_first,
		(b->chain_end - b->chain_first) * sizeof(b->chains[0]));
	memmove(b->parts, b->parts + b->part_first,
		(b->part_end - b->part_first) * sizeof(b->parts[0]));
	b->chain_end -= b->chain_first;
	b->part_end -= b->part_first;
	b->chain_first = b->part_first = 0;
}

/* Takes buffers from the ring until the longest frame fits, or only one if frames can't be spread. */
static void take_buffers(struct net_device *net, bool is_mergeable)
{
	struct queue *queue = &net->device.queues[VIRTIO_NET_RECEIVE];
	struct net_buffers *b = &net->buffers;

	while (b->bytes < net->frame_max && (is_mergeable || b->chain_first == b->chain_end)) {
		struct queue_chain *chain;

		if (b->chain_end == VIRTIO_QUEUE_SIZE_MAX ||
			b->part_end + QUEUE_PARTS_MAX > NET_PARTS_MAX)
			compact(b);
		if (b->chain_end == VIRTIO_QUEUE_SIZE_MAX ||
			b->part_end + QUEUE_PARTS_MAX > NET_PARTS_MAX)
			return;
		chain = &b->chains[b->chain_end];
		if (!queue_pop(queue, chain, &b->parts[b->part_end]))
			return;
		b->chain_end++;
		b->part_end += chain->part_count;
		b->bytes += chain->bytes;
	}
}

/* Gives the first buffers, which now hold a frame of `length` bytes, to the driver. */
static void give_frame(struct net_device *net, uint32_t length)
{
	struct queue *queue = &net->device.queues[VIRTIO_NET_RECEIVE];
	struct net_buffers *b = &net->buffers;
	unsigned first_part = b->part_first, used_chains = 0;
	uint8_t count[2];

	do {
		struct queue_chain *chain = &b->chains[b->chain_first++];
		uint32_t part = length < chain->bytes ? length : chain->bytes;

		queue_push(queue, chain->head, part);
		b->part_first += chain->part_count;
		b->bytes -= chain->bytes;
		length -= part;
		used_chains++;
	} while (length > 0);
	count[0] = (uint8_t)used_chains;
	count[1] = (uint8_t)(used_chains >> 8);
	put_bytes(b->parts + first_part, b->part_first - first_part,
		offsetof(struct virtio_net_header, buffer_count), count, sizeof(count));
	if (b->chain_first == b->chain_end)
		b->chain_first = b->chain_end = b->part_first = b->part_end = 0;
}

/* Reads one frame. False when there is none, or no buffer for it. */
static bool receive_frame(struct net_device *net, bool is_mergeable, bool is_first)
{
	struct net_buffers *b = &net->buffers;
	struct iovec *parts;
	unsigned count;
	ssize_t n;

	take_buffers(net, is_mergeable);
	/* A long frame might be cut short: the driver is given what came so far, and posts new ones. */
	if (b->bytes < HEADER_BYTES || (b->bytes < net->frame_max && is_mergeable && !is_first))
		return false;
	parts = b->parts + b->part_first;
	count = b->part_end - b->part_first;
	n = read_frame(net, parts, count);
	if (n <= (ssize_t)HEADER_BYTES)
		return false;
	if ((uint64_t)n >= b->bytes && b->bytes < net->frame_max) {
		net->receive_truncated++; /* the buffers stay in hand for the next */
		return true;
	}
	if (net->pcap != NULL)
		pcap_write(net->pcap, parts, count, (size_t)n, HEADER_BYTES);
	net->received++;
	give_frame(net, (uint32_t)n);
	return true;
}

static bool receive(struct net_device *net)
{
	struct queue *queue = &net->device.queues[VIRTIO_NET_RECEIVE];
	bool is_mergeable = device_has(&net->device, VIRTIO_NET_F_MRG_RXBUF);
	uint16_t before = queue->next_used;

	if (!queue->is_ready)
		return false;
	for (unsigned i = 0; i < RECEIVE_BATCH; i++)
		if (!receive_frame(net, is_mergeable, i == 0))
			break;
	queue_publish(queue);
	/* Buffers are fetched when frames come: no doorbell for new ones. */
	queue_expect(queue, 0);
	return queue->next_used != before;
}

/* A socket whose reader is behind: waits for it a moment, as a slow wire would, before a frame is lost. */
static ssize_t write_frame(const struct net_device *net, const struct iovec *parts, unsigned count)
{
	struct pollfd polled = { .fd = net->tap, .events = POLLOUT };
	struct timespec patience = { 0, PATIENCE_NS };
	ssize_t n = writev(net->tap, parts, (int)count);

	if (n < 0 && errno == EAGAIN && syscall(SYS_ppoll, &polled, 1, &patience, NULL, 0) == 1)
		n = writev(net->tap, parts, (int)count);
	return n;
}

static void send_frame(struct net_device *net, struct queue_chain *chain, struct iovec *parts)
{
	unsigned count = chain->part_count;
	const struct iovec *seen;
	ssize_t n = -1;

	if (chain->bytes > HEADER_BYTES) {
		if (net->pcap != NULL)
			pcap_write(net->pcap, parts, count, chain->bytes, HEADER_BYTES);
		seen = skip_header(net, parts, &count);
		n = write_frame(net, seen, count);
	}
	if (n < 0)
		net->send_refused++;
	else
		net->sent++;
}

/* True if the driver wants to hear of it: it asked by its event index, or may wait for room. */
static bool transmit(struct net_device *net)
{
	struct queue *queue = &net->device.queues[VIRTIO_NET_TRANSMIT];
	unsigned waiting = queue_waiting(queue);
	bool was_tight = waiting > queue->size - queue->size / 4u;
	struct iovec parts[QUEUE_PARTS_MAX];
	struct queue_chain chain;

	if (waiting == 0)
		return false;
	while (waiting-- > 0 && queue_pop(queue, &chain, parts)) {
		send_frame(net, &chain, parts);
		queue_push(queue, chain.head, 0);
	}
	queue_expect(queue, queue->size < SEND_BATCH * 2 ? queue->size / 2 + 1u : SEND_BATCH);
	return queue_publish(queue) || was_tight;
}

static bool serve(struct device *device)
{
	struct net_device *net = net_of(device);
	bool has_sent = transmit(net);

	return receive(net) || has_sent;
}

static bool wants_input(struct device *device)
{
	struct net_device *net = net_of(device);

	return net->buffers.bytes >= HEADER_BYTES ||
	       queue_waiting(&device->queues[VIRTIO_NET_RECEIVE]) > 0;
}

static void reset(struct device *device)
{
	struct net_buffers *b = &net_of(device)->buffers;

	b->chain_first = b->chain_end = b->part_first = b->part_end = 0;
	b->bytes = 0;
}

static const struct device_ops net_ops = { serve, wants_input, reset };

static uint64_t offered_features(uint32_t offloads)
{
	uint64_t features = VIRTIO_F_VERSION_1 | VIRTIO_F_RING_EVENT_IDX | VIRTIO_NET_F_MAC |
			    VIRTIO_NET_F_MTU | VIRTIO_NET_F_MRG_RXBUF;

	if ((offloads & NET_CHECKSUM) != 0)
		features |= VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM;
	if ((offloads & NET_SEGMENT_TCP) != 0)
		features |= VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 |
			    VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6;
	if ((offloads & NET_SEGMENT_UDP) != 0)
		features |=
			VIRTIO_NET_F_HOST_USO | VIRTIO_NET_F_GUEST_USO4 | VIRTIO_NET_F_GUEST_USO6;
	return features;
}

void net_init(struct net_device *net, const struct guest_memory *memory,
	const struct net_settings *settings)
{
	struct device *device = &net->device;
	struct virtio_net_config config = {
		.status = 1, .queue_pairs_max = 1, .mtu = settings->mtu
	};

	memset(net, 0, sizeof(*net));
	device->ops = &net_ops;
	device->name = settings->name;
	device->id = VIRTIO_ID_NET;
	device->offered = offered_features(settings->offloads);
	device->queue_count = 2;
	queue_init(&device->queues[VIRTIO_NET_RECEIVE], memory, true);
	queue_init(&device->queues[VIRTIO_NET_TRANSMIT], memory, false);
	memcpy(config.mac, settings->mac, sizeof(config.mac));
	memcpy(device->config, &config, sizeof(config));
	device->input_fd = settings->tap;
	net->tap = settings->tap;
	net->lead = settings->lead;
	net->pcap = settings->pcap;
	net->frame_max = (settings->offloads & (NET_SEGMENT_TCP | NET_SEGMENT_UDP)) != 0 ||
					 settings->mtu > JUMBO_MTU
				 ? (uint32_t)(SEGMENT_MAX + HEADER_BYTES)
				 : (uint32_t)(settings->mtu + ETHERNET_BYTES + HEADER_BYTES);
}
