/*
 * Notes: what the stack remembers about a packet that it queues (where a datagram came from, where a
 * fragment belongs). A note lies at the start of the packet's own buffer, in headroom whose headers
 * have been read, so that a queue of packets needs no memory beside them.
 */
#ifndef DIATOM_NET_NOTE_H
#define DIATOM_NET_NOTE_H

#include "diatom/packet.h"

/* Room for a note, aligned to 8, or NULL if `data` is too near to the start of the buffer. */
static inline void *packet_note(const struct packet *packet, size_t bytes)
{
	size_t skip = -(uintptr_t)packet->buffer & 7;

	return packet_headroom(packet) >= skip + bytes ? packet->buffer + skip : NULL;
}

#endif
