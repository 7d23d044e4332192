/*
 * Linear packets: small ones in a pool buffer, large ones in an extent that goes back with them.
 *
 *     extent:  | struct linear_extent | headroom | bytes ... |
 */
#include "net/linear.h"

#include "diatom/counter.h"
#include "diatom/memory.h"

COUNTER(linear_refused, "net.linear_refused",
	"large packets dropped: no memory to join their parts");

/* Leads the extent; says how much to give back. */
struct linear_extent {
	size_t bytes;
	size_t reserved;
};

static void extent_release(void *owner)
{
	struct linear_extent *extent = owner;

	extent_free(extent, extent->bytes);
}

static struct packet *large_alloc(size_t length)
{
	size_t room = PACKET_HEADROOM + length, bytes = sizeof(struct linear_extent) + room;
	struct linear_extent *extent = extent_alloc(bytes);
	struct packet *packet;

	if (extent == NULL)
		return NULL;
	extent->bytes = bytes;
	packet = packet_refer(view_of(extent + 1, room), extent_release, extent);
	if (packet == NULL) {
		extent_free(extent, bytes);
		return NULL;
	}
	packet_pull(packet, PACKET_HEADROOM);
	packet->checksum_start = 0;
	return packet;
}

struct packet *linear_alloc(size_t length)
{
	struct packet *packet;

	if (length > PACKET_BUFFER_BYTES - PACKET_HEADROOM) {
		packet = large_alloc(length);
	} else {
		packet = packet_alloc();
		if (packet != NULL)
			packet->length = packet->total_length = (uint32_t)length;
	}
	if (packet == NULL)
		count(&linear_refused);
	return packet;
}

struct packet *linear_from(struct packet *packet, size_t headroom)
{
	struct packet *linear;
	uint8_t *out;

	if (packet->fragment == NULL && packet_headroom(packet) >= headroom)
		return packet;
	linear = linear_alloc(packet->total_length);
	if (linear != NULL) {
		out = linear->data;
		for (struct packet *part = packet; part != NULL; part = part->fragment) {
			memcpy(out, part->data, part->length);
			out += part->length;
		}
		linear->flags = packet->flags;
		linear->segmentation = packet->segmentation;
		linear->segment_bytes = packet->segment_bytes;
		linear->checksum_start = packet->checksum_start;
		linear->checksum_offset = packet->checksum_offset;
	}
	packet_free(packet);
	return linear;
}
