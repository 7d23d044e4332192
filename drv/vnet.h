/*
 * The virtio-net header that leads each frame of a virtio network device and of a tap, in terms of
 * struct packet: partial checksums and segmentation.
 */
#ifndef DIATOM_DRV_VNET_H
#define DIATOM_DRV_VNET_H

#include <stdbool.h>

#include "abi/boot.h"
#include "abi/virtio.h"
#include "diatom/packet.h"

/*
 * Received: sets the packet's flags and segmentation; `data` is at the frame, all its bytes are
 * counted. False (counted) if the header contradicts the frame or speaks of what was not negotiated.
 */
bool vnet_decode(const struct virtio_net_header *header, struct packet *packet);

/* To be sent: the header for the packet, `data` at the frame. */
void vnet_encode(struct virtio_net_header *header, const struct packet *packet);

#endif
