/*
 * The virtio-net header, virtio 1.2 section 5.1.6. What the host writes there is checked before it is
 * believed.
 */
#include "drv/vnet.h"

#include "diatom/counter.h"

COUNTER(vnet_malformed, "vnet.rx_malformed", "frames dropped: their offload header makes no sense");

static bool segmentation_of(uint8_t gso_type, uint8_t *segmentation)
{
	switch (gso_type & ~VIRTIO_NET_GSO_ECN) {
	case VIRTIO_NET_GSO_NONE:
		*segmentation = SEGMENT_NONE;
		return true;
	case VIRTIO_NET_GSO_TCPV4:
		*segmentation = SEGMENT_TCP4;
		return true;
	case VIRTIO_NET_GSO_TCPV6:
		*segmentation = SEGMENT_TCP6;
		return true;
	case VIRTIO_NET_GSO_UDP_L4:
		*segmentation = SEGMENT_UDP;
		return true;
	}
	return false;
}

bool vnet_decode(const struct virtio_net_header *header, struct packet *packet)
{
	uint32_t field = (uint32_t)header->checksum_start + header->checksum_offset;

	packet->flags = 0;
	if (!segmentation_of(header->gso_type, &packet->segmentation))
		goto malformed;
	packet->segment_bytes = header->gso_size;
	packet->header_length = header->header_length;
	if (packet->segmentation != SEGMENT_NONE && header->gso_size == 0)
		goto malformed;
	if (header->flags & VIRTIO_NET_NEEDS_CHECKSUM) {
		if (field + 2 > packet->total_length)
			goto malformed;
		packet->flags = PACKET_CHECKSUM_PARTIAL;
		packet->checksum_start = header->checksum_start;
		packet->checksum_offset = header->checksum_offset;
	} else if (header->flags & VIRTIO_NET_DATA_VALID) {
		packet->flags = PACKET_CHECKSUM_VALID;
	}
	return true;
malformed:
	count(&vnet_malformed);
	return false;
}

void vnet_encode(struct virtio_net_header *header, const struct packet *packet)
{
	*header = (struct virtio_net_header){ 0 };
	if (packet->flags & PACKET_CHECKSUM_PARTIAL) {
		header->flags = VIRTIO_NET_NEEDS_CHECKSUM;
		header->checksum_start = packet->checksum_start;
		header->checksum_offset = packet->checksum_offset;
	}
	if (packet->segmentation != SEGMENT_NONE) {
		header->gso_type = packet->segmentation; /* the same numbers */
		header->gso_size = packet->segment_bytes;
		header->header_length = packet->header_length;
	}
}

_Static_assert((int)SEGMENT_TCP4 == (int)VIRTIO_NET_GSO_TCPV4, "virtio's numbers");
_Static_assert((int)SEGMENT_TCP6 == (int)VIRTIO_NET_GSO_TCPV6, "virtio's numbers");
_Static_assert((int)SEGMENT_UDP == (int)VIRTIO_NET_GSO_UDP_L4, "virtio's numbers");
