/*
 * Linear packets: all bytes in one buffer with headroom, for the rare datagram that came in several
 * (a reassembled one, a merged receive buffer): the program sees one view.
 */
#ifndef DIATOM_NET_LINEAR_H
#define DIATOM_NET_LINEAR_H

#include "diatom/packet.h"

/* A packet of `length` undefined bytes, after PACKET_HEADROOM; NULL without memory (counted). */
struct packet *linear_alloc(size_t length);

/*
 * Takes the packet and returns one with the same bytes, flags and segmentation in a single fragment,
 * and with `headroom` before them at least; the same one if it is so already. NULL without memory:
 * the packet is dropped and counted.
 */
struct packet *linear_from(struct packet *packet, size_t headroom);

#endif
