/*
 * The Internet checksum over all fragments of a packet.
 */
#ifndef DIATOM_NET_PACKET_SUM_H
#define DIATOM_NET_PACKET_SUM_H

#include "diatom/packet.h"
#include "wire/checksum.h"

/* `sum` starts with the pseudo-header's. */
static inline uint64_t packet_sum(uint64_t sum, const struct packet *packet)
{
	size_t offset = 0;

	for (; packet != NULL; packet = packet->fragment) {
		sum = checksum_join(sum, checksum_add(0, packet->data, packet->length), offset);
		offset += packet->length;
	}
	return sum;
}

/* The same; what is_constant is summed once. */
uint64_t packet_sum_constant(uint64_t sum, const struct packet *packet);

#endif
