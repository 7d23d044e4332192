/*
 * Virtio network device.
 *
 * Receive: pool packets are posted as they are, each with the 12-byte offload header right before its
 * frame; a frame longer than one buffer comes in several (mergeable buffers), which become fragments.
 *
 * Transmit: the header goes into the packet's headroom, so that header and frame are one descriptor;
 * fragments are further ones. Packets are freed when the ring is half used up, not one by one.
 *
 * Addresses and MTU come from boot info, so the device's configuration space is never read.
 */
#include "drv/virtio_net.h"

#include "diatom/counter.h"
#include "diatom/log.h"
#include "diatom/memory.h"
#include "diatom/task.h"
#include "drv/virtio.h"
#include "drv/vnet.h"
#include "plat/plat.h"

#define HEADER_BYTES  sizeof(struct virtio_net_header)
#define BUFFER_BYTES  (PACKET_BUFFER_BYTES - PACKET_HEADROOM + HEADER_BYTES)
#define PIECES_MAX    64
#define FIRST_BUFFERS 64 /* posted at the start, the rest once frames come: boot stays short */

COUNTER(rx_no_buffer, "virtio_net.rx_no_buffer", "receive buffers not posted: none free");
COUNTER(rx_bad_length, "virtio_net.rx_bad_length",
	"frames dropped: the device lies about their length");
COUNTER(tx_ring_full, "virtio_net.tx_ring_full", "frames dropped: the device doesn't keep up");
COUNTER(tx_no_headroom, "virtio_net.tx_no_headroom", "frames dropped: no room for the header");

struct virtio_net {
	struct netdev device;
	struct virtio virtio;
	struct virtqueue receive, transmit;
};

static struct virtio_net *net_of(struct netdev *device)
{
	return CONTAINER_OF(device, struct virtio_net, device);
}

/* Posts receive buffers until the device has `wanted`. */
static void post_buffers(struct virtio_net *net, unsigned wanted)
{
	struct virtqueue *queue = &net->receive;

	while ((unsigned)(queue->size - queue->free_count) < wanted && !queue->is_broken) {
		struct packet *packet = packet_alloc();
		struct virtqueue_piece piece = { .length = BUFFER_BYTES };

		if (packet == NULL) {
			count(&rx_no_buffer);
			break;
		}
		packet->data -= HEADER_BYTES;
		piece.data = packet->data;
		if (!virtqueue_add(queue, &piece, 1, true, packet)) {
			packet_free(packet);
			break;
		}
	}
	virtqueue_publish(queue);
}

/* The next used buffer with its length set; NULL if there is none. */
static struct packet *take_buffer(struct virtio_net *net)
{
	uint32_t length = 0;
	struct packet *packet = virtqueue_take(&net->receive, &length);

	if (packet == NULL)
		return NULL;
	if (length > BUFFER_BYTES) {
		count(&rx_bad_length);
		length = 0;
	}
	packet->length = packet->total_length = length;
	return packet;
}

/* Makes a frame of its first buffer and those merged with it; NULL if it is dropped. */
static struct packet *accept_frame(struct virtio_net *net, struct packet *packet)
{
	struct virtio_net_header header = { 0 };
	bool is_whole = packet->length >= HEADER_BYTES;

	if (is_whole) {
		memcpy(&header, packet->data, HEADER_BYTES);
		packet_pull(packet, HEADER_BYTES);
	} else {
		count(&rx_bad_length);
	}
	for (unsigned i = 1; i < header.buffer_count; i++) {
		struct packet *part = take_buffer(net);

		if (part == NULL) {
			count(&rx_bad_length);
			is_whole = false;
			break;
		}
		packet_append(packet, part);
	}
	if (is_whole && vnet_decode(&header, packet))
		return packet;
	packet_free(packet);
	return NULL;
}

static unsigned net_receive(struct netdev *device, struct packet_queue *frames, unsigned most)
{
	struct virtio_net *net = net_of(device);
	struct packet *packet;
	unsigned n = 0;
	bool is_used = false;

	while (n < most && (packet = take_buffer(net)) != NULL) {
		is_used = true;
		packet = accept_frame(net, packet);
		if (packet == NULL)
			continue;
		packet_queue_put(frames, packet);
		n++;
	}
	if (is_used || net->receive.free_count == net->receive.size)
		post_buffers(net, net->receive.size);
	return n;
}

/* Frees what the device has sent. */
static void reclaim(struct virtio_net *net)
{
	struct packet *packet;
	uint32_t length;

	while ((packet = virtqueue_take(&net->transmit, &length)) != NULL)
		packet_free(packet);
}

/* Lists header and frame. 0 if that can't be done. */
static unsigned list_pieces(struct packet *frame, struct virtqueue_piece *pieces)
{
	struct virtio_net_header header;
	uint8_t *space;
	unsigned n = 0;

	vnet_encode(&header, frame);
	space = packet_push(frame, HEADER_BYTES);
	if (space == NULL)
		return 0;
	memcpy(space, &header, HEADER_BYTES);
	for (; frame != NULL; frame = frame->fragment) {
		if (n == PIECES_MAX)
			return 0;
		if (frame->length > 0)
			pieces[n++] = (struct virtqueue_piece){ frame->data, frame->length };
	}
	return n;
}

/* Ring full: lets the host serve it, once. */
static void make_room(struct virtio_net *net)
{
	virtqueue_publish(&net->transmit);
	plat_sleep(AT_ONCE);
	reclaim(net);
}

static void net_transmit(struct netdev *device, struct packet *frame)
{
	struct virtio_net *net = net_of(device);
	struct virtqueue_piece pieces[PIECES_MAX];
	unsigned n = list_pieces(frame, pieces);

	if (n == 0) {
		count(&tx_no_headroom);
		packet_free(frame);
		return;
	}
	if (net->transmit.free_count < net->transmit.size / 2)
		reclaim(net);
	if (n > net->transmit.free_count)
		make_room(net);
	if (!virtqueue_add(&net->transmit, pieces, n, false, frame)) {
		count(&tx_ring_full);
		packet_free(frame);
	}
}

static void net_flush(struct netdev *device)
{
	virtqueue_publish(&net_of(device)->transmit);
}

static bool net_prepare_sleep(struct netdev *device)
{
	return virtqueue_arm(&net_of(device)->receive);
}

static const struct netdev_ops net_ops = {
	.receive = net_receive,
	.transmit = net_transmit,
	.flush = net_flush,
	.prepare_sleep = net_prepare_sleep,
};

/* 5.1.3.1: segmentation features stand on the checksum ones. */
#define FEATURES_WANTED                                                                            \
	(VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 |                   \
		VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_GUEST_USO4 | VIRTIO_NET_F_GUEST_USO6 |      \
		VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_USO)

static bool has(const struct virtio_net *net, uint64_t features)
{
	return (net->virtio.features & features) == features;
}

static uint32_t features_of(const struct virtio_net *net)
{
	uint32_t features = 0;

	if (!has(net, VIRTIO_NET_F_CSUM))
		return 0;
	features |= NETDEV_CHECKSUM;
	if (has(net, VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6))
		features |= NETDEV_SEGMENT_TCP;
	if (has(net, VIRTIO_NET_F_HOST_USO))
		features |= NETDEV_SEGMENT_UDP;
	return features;
}

static enum status start(struct virtio_net *net, const struct boot_device *boot)
{
	/* Without mergeable buffers each would have to hold 64 KiB. */
	enum status status = virtio_begin(
		&net->virtio, boot, VIRTIO_ID_NET, FEATURES_WANTED, VIRTIO_NET_F_MRG_RXBUF);

	if (status == OK)
		status = virtio_queue(
			&net->virtio, &net->receive, VIRTIO_NET_RECEIVE, VIRTIO_QUEUE_SIZE_MAX);
	if (status == OK)
		status = virtio_queue(
			&net->virtio, &net->transmit, VIRTIO_NET_TRANSMIT, VIRTIO_QUEUE_SIZE_MAX);
	if (status != OK)
		return status;
	virtio_finish(&net->virtio);
	post_buffers(net, FIRST_BUFFERS < net->receive.size ? FIRST_BUFFERS : net->receive.size);
	return OK;
}

enum status virtio_net_open(const struct boot_device *boot, struct netdev **device)
{
	struct virtio_net *net = extent_alloc(sizeof(*net));
	enum status status;

	if (net == NULL)
		return NO_MEMORY;
	memset(net, 0, sizeof(*net));
	status = start(net, boot);
	if (status != OK) {
		extent_free(net, sizeof(*net));
		return status;
	}
	net->device.ops = &net_ops;
	net->device.name = boot->name;
	memcpy(net->device.mac, boot->mac, sizeof(net->device.mac));
	net->device.mtu = boot->mtu ? boot->mtu : 1500;
	net->device.features = features_of(net);
	net->device.ip = boot->ip;
	net->device.gateway = boot->gateway;
	*device = &net->device;
	return OK;
}
