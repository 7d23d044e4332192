/*
 * Tap: one frame a read, one a write, each led by a virtio-net header where the host says so.
 *
 * What costs time here is the number of system calls, so:
 *  - After a sleep only one frame is read before it is acted on, then two, four ... up to a batch: a
 *    lone packet is answered without asking first whether there is another. If that sleep was a real
 *    one, packets are rare, and the next thing is to sleep again: ppoll tells as well as another
 *    read whether more has come. So a ping costs ppoll, read, write.
 *  - Frames go out as they come, without queueing: the receiver can start.
 *  - A large frame (segmentation offload, or an MTU beyond our buffers) overflows into a buffer that
 *    all share, and only then is copied:
 *
 *        readv:  [ packet buffer, 2 KiB | overflow, 64 KiB ]
 */
#include "drv/tap.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "abi/virtio.h"
#include "core/loop.h"
#include "diatom/counter.h"
#include "diatom/log.h"
#include "diatom/memory.h"
#include "diatom/task.h"
#include "drv/pcap.h"
#include "drv/vnet.h"
#include "plat/plat.h"

#define OVERFLOW_BYTES KIBIBYTES(64)
#define REAL_SLEEP     MICROSECONDS(4) /* turn to turn, more than if ppoll returns at once */
#define PIECES_MAX     64	       /* fragments of one frame that writev takes */

COUNTER(rx_no_buffer, "tap.rx_no_buffer", "reads put off: no packet buffer");
COUNTER(rx_short, "tap.rx_short", "frames dropped: shorter than the offload header");
COUNTER(rx_failed, "tap.rx_failed", "reads that failed");
COUNTER(tx_failed, "tap.tx_failed", "frames dropped: the tap took none");
COUNTER(tx_pieces, "tap.tx_pieces", "frames dropped: too many pieces");

struct tap {
	struct netdev device;
	int fd, pcap_fd;
	uint32_t lead;	      /* bytes of offload header before each frame: 0, 10 or 12 */
	unsigned budget;      /* frames to read before they are acted on */
	instant slept_at;     /* when a sleep was prepared; 0: something was read since */
	bool is_rare;	      /* one frame came after a real sleep: sleep before reading again */
	struct packet *spare; /* a buffer that a read left unused */
	uint8_t *overflow;    /* NULL: frames always fit a packet buffer */
};

static struct tap *tap_of(struct netdev *device)
{
	return CONTAINER_OF(device, struct tap, device);
}

/* Reads one frame into the packet; its length with the lead, or a negative errno. */
static long read_frame(struct tap *tap, struct packet *packet)
{
	uint32_t room = packet->capacity - (uint32_t)packet_headroom(packet);
	struct iovec parts[2] = {
		{ .iov_base = packet->data, .iov_len = room },
		{ .iov_base = tap->overflow, .iov_len = OVERFLOW_BYTES },
	};

	if (tap->overflow == NULL)
		return plat_syscall(SYS_read, tap->fd, (long)packet->data, room, 0, 0, 0);
	return plat_syscall(SYS_readv, tap->fd, (long)parts, 2, 0, 0, 0);
}

/* Hangs what overflowed on the packet, copied. False without buffers. */
static bool append_overflow(struct tap *tap, struct packet *packet, size_t length)
{
	struct packet **end = &packet->fragment; /* packet_append would walk them all each time */
	const uint8_t *from = tap->overflow;

	while (length > 0) {
		struct packet *part = packet_alloc();
		size_t most = length < PACKET_BUFFER_BYTES - PACKET_HEADROOM
				      ? length
				      : PACKET_BUFFER_BYTES - PACKET_HEADROOM;

		if (part == NULL) {
			count(&rx_no_buffer);
			return false;
		}
		memcpy(part->data, from, most);
		part->length = part->total_length = (uint32_t)most;
		packet->total_length += part->length;
		*end = part;
		end = &part->fragment;
		from += most;
		length -= most;
	}
	return true;
}

/* Makes a frame of what was read; false if it is dropped. */
static bool accept_frame(struct tap *tap, struct packet *packet, size_t length)
{
	size_t room = packet_tailroom(packet), first = length < room ? length : room;
	struct virtio_net_header header;

	if (length < tap->lead) {
		count(&rx_short);
		return false;
	}
	packet->length = packet->total_length = (uint32_t)first;
	if (length > first && !append_overflow(tap, packet, length - first))
		return false;
	if (tap->lead == 0)
		return true;
	memcpy(&header, packet->data, sizeof(header));
	packet_pull(packet, tap->lead);
	return vnet_decode(&header, packet);
}

static struct packet *take_buffer(struct tap *tap)
{
	struct packet *packet = tap->spare ? tap->spare : packet_alloc();

	tap->spare = NULL;
	if (packet == NULL)
		count(&rx_no_buffer);
	else
		packet->data = packet->buffer + PACKET_HEADROOM - tap->lead;
	return packet;
}

/* The first read after a sleep found a frame: was the sleep long enough to call frames rare? */
static void judge_sleep(struct tap *tap)
{
	if (tap->slept_at != 0)
		tap->is_rare = loop_now() - tap->slept_at > REAL_SLEEP;
	tap->slept_at = 0;
}

static unsigned tap_receive(struct netdev *device, struct packet_queue *frames, unsigned most)
{
	struct tap *tap = tap_of(device);
	unsigned wanted = most < tap->budget ? most : tap->budget, n = 0;

	if (tap->is_rare) {
		tap->is_rare = false;
		return 0;
	}
	while (n < wanted) {
		struct packet *packet = take_buffer(tap);
		long length;

		if (packet == NULL)
			break;
		length = read_frame(tap, packet);
		if (length <= 0) {
			if (length != -EAGAIN && length != -EINTR)
				count(&rx_failed);
			if (length == 0)
				plat_unwatch(tap->fd); /* the other side is gone */
			tap->spare = packet;
			tap->budget = 1;
			tap->slept_at = 0;
			return n;
		}
		if (!accept_frame(tap, packet, (size_t)length)) {
			packet_free(packet);
			continue;
		}
		if (tap->pcap_fd >= 0)
			pcap_record(tap->pcap_fd, packet);
		packet_queue_put(frames, packet);
		n++;
	}
	tap->budget = wanted * 2;
	judge_sleep(tap);
	return n;
}

/* Lists the pieces of the frame, offload header first. 0 if there are too many. */
static int list_pieces(const struct packet *frame, const struct virtio_net_header *header,
	uint32_t lead, struct iovec *pieces)
{
	int n = 0;

	if (lead > 0)
		pieces[n++] = (struct iovec){ .iov_base = (void *)header, .iov_len = lead };
	for (; frame != NULL; frame = frame->fragment) {
		if (n == PIECES_MAX)
			return 0;
		pieces[n++] = (struct iovec){ .iov_base = frame->data, .iov_len = frame->length };
	}
	return n;
}

static long write_pieces(struct tap *tap, struct packet *frame, struct virtio_net_header *header)
{
	struct iovec pieces[PIECES_MAX];
	int n = list_pieces(frame, header, tap->lead, pieces);

	if (n == 0) {
		count(&tx_pieces);
		return 0;
	}
	return plat_syscall(SYS_writev, tap->fd, (long)pieces, n, 0, 0, 0);
}

static void tap_transmit(struct netdev *device, struct packet *frame)
{
	struct tap *tap = tap_of(device);
	struct virtio_net_header header;
	long written;

	if (tap->pcap_fd >= 0)
		pcap_record(tap->pcap_fd, frame);
	vnet_encode(&header, frame);
	if (frame->fragment == NULL && packet_headroom(frame) >= tap->lead) {
		uint8_t *start = frame->data - tap->lead;

		memcpy(start, &header, tap->lead);
		written = plat_syscall(SYS_write, tap->fd, (long)start,
			(long)(tap->lead + frame->length), 0, 0, 0);
	} else {
		written = write_pieces(tap, frame, &header);
	}
	if (written < 0)
		count(&tx_failed);
	packet_free(frame);
}

static void tap_flush(struct netdev *device)
{
	/* Every frame was written when it was transmitted. */
}

static bool tap_prepare_sleep(struct netdev *device)
{
	struct tap *tap = tap_of(device);

	/* plat_sleep watches the descriptor, and ends at once if a frame waits. */
	tap->budget = 1;
	tap->is_rare = false;
	tap->slept_at = loop_now();
	return false;
}

static const struct netdev_ops tap_ops = {
	.receive = tap_receive,
	.transmit = tap_transmit,
	.flush = tap_flush,
	.prepare_sleep = tap_prepare_sleep,
};

static uint32_t lead_of(uint32_t flags)
{
	if (!(flags & BOOT_NET_VNET_HEADER))
		return 0;
	return sizeof(struct virtio_net_header) - (flags & BOOT_NET_SHORT_HEADER ? 2 : 0);
}

static uint32_t features_of(uint32_t flags)
{
	uint32_t features = 0;

	if (!(flags & BOOT_NET_VNET_HEADER))
		return 0;
	if (flags & BOOT_NET_CHECKSUM)
		features |= NETDEV_CHECKSUM;
	if (flags & BOOT_NET_SEGMENT_TCP)
		features |= NETDEV_SEGMENT_TCP;
	if (flags & BOOT_NET_SEGMENT_UDP)
		features |= NETDEV_SEGMENT_UDP;
	return features;
}

enum status tap_open(const struct boot_device *boot, struct netdev **device)
{
	/* What a packet buffer takes of a frame without offloads. */
	const uint32_t room = PACKET_BUFFER_BYTES - PACKET_HEADROOM - 32;
	struct tap *tap = extent_alloc(sizeof(*tap));

	if (tap == NULL)
		return NO_MEMORY;
	memset(tap, 0, sizeof(*tap));
	tap->device.ops = &tap_ops;
	tap->device.name = boot->name;
	memcpy(tap->device.mac, boot->mac, sizeof(tap->device.mac));
	tap->device.mtu = boot->mtu ? boot->mtu : 1500;
	tap->device.features = features_of(boot->flags);
	tap->device.ip = boot->ip;
	tap->device.gateway = boot->gateway;
	tap->fd = boot->fd;
	tap->pcap_fd = boot->flags & BOOT_NET_CAPTURE ? (int)boot->address : -1;
	tap->lead = lead_of(boot->flags);
	tap->budget = 1;
	if (tap->device.features & (NETDEV_SEGMENT_TCP | NETDEV_SEGMENT_UDP) ||
		tap->device.mtu > room) {
		tap->overflow = extent_alloc(OVERFLOW_BYTES);
		if (tap->overflow == NULL) {
			extent_free(tap, sizeof(*tap));
			return NO_MEMORY;
		}
	}
	plat_watch(tap->fd);
	*device = &tap->device;
	return OK;
}
