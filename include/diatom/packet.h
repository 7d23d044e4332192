/*
 * Packets: pooled, reference-counted buffers with headroom, as the devices and the stack hand them
 * on. A packet is a list of fragments; each is a window on a buffer:
 *
 *     buffer          data              data+length        buffer+capacity
 *       |  headroom    |     bytes       |     tailroom       |
 *
 * Receive: the driver's buffer itself goes up; each layer moves `data` past its header; the program
 * gets a view into it. Transmit: a packet with headroom gets its headers written in front
 * (packet_push); payload that lies elsewhere is hung on as fragments that refer to it. No layer
 * copies payload.
 */
#ifndef DIATOM_PACKET_H
#define DIATOM_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diatom/assert.h"
#include "diatom/view.h"

enum packet_flags {
	/* Received: the device vouches for the transport checksum. */
	PACKET_CHECKSUM_VALID = 1,
	/* Either way: the transport checksum is partial (pseudo-header sum only); who puts it on a
	 * wire completes it over [checksum_start, end) at checksum_start + checksum_offset. */
	PACKET_CHECKSUM_PARTIAL = 2,
};

enum packet_segmentation { SEGMENT_NONE = 0, SEGMENT_TCP4 = 1, SEGMENT_TCP6 = 4, SEGMENT_UDP = 5 };

struct packet {
	struct packet *next;	 /* the next packet of a list or queue */
	struct packet *fragment; /* more bytes of this packet, or NULL */
	uint8_t *data;
	uint32_t length;       /* bytes at data, without further fragments */
	uint32_t total_length; /* of all fragments; kept in the first */
	uint8_t *buffer;
	uint32_t capacity;
	uint16_t references;
	uint8_t flags;		 /* enum packet_flags; first fragment */
	uint8_t segmentation;	 /* enum packet_segmentation; first fragment */
	uint16_t segment_bytes;	 /* payload of each segment when segmentation != SEGMENT_NONE */
	uint16_t checksum_start; /* from data of the first fragment */
	uint16_t checksum_offset;
	uint16_t header_length; /* all headers, when segmentation != SEGMENT_NONE */
	bool is_reference;	/* made by packet_refer: the buffer is not the pool's */
	bool is_growing;	/* a chunk of a send queue: its owner still adds bytes behind */
	bool is_constant; /* this fragment's bytes are the same for as long as the image runs */
	/* A reference to memory that is not the pool's: called with `owner` when the last one goes. */
	void (*release)(void *owner);
	void *owner;
};

#define PACKET_BUFFER_BYTES 2048 /* of the pool, struct packet not included */
#define PACKET_HEADROOM	    128	 /* for all headers of any protocol, the device's included */

/*
 * An empty packet with PACKET_HEADROOM before `data`, one reference, owned by the caller. NULL when
 * the pool is at its limit (counted).
 */
struct packet *packet_alloc(void);
/* A fragment that refers to memory elsewhere; release(owner), if not NULL, runs when the last
 * reference goes. NULL at the limit (counted): then release is not called. */
struct packet *packet_refer(struct view bytes, void (*release)(void *owner), void *owner);

static inline struct packet *packet_ref(struct packet *packet)
{
	ASSERT(packet->references < UINT16_MAX);
	packet->references++;
	return packet;
}
/* Drops one reference of the packet and, with the last one, of its fragments. NULL is allowed. */
void packet_free(struct packet *packet);

/* Hangs `tail` (owned by the caller until now) on the end. */
void packet_append(struct packet *packet, struct packet *tail);

/* Drops the first `length` bytes, at most total_length, and fragments that become empty by it: takes the
 * packet, returns what is left of it. */
struct packet *packet_cut(struct packet *packet, size_t length);

/*
 * A new packet, empty but for bytes [offset, offset + length) of `whole` that hang on it by reference:
 * `whole` lives until they are sent. NULL without memory.
 */
struct packet *packet_part(struct packet *whole, size_t offset, size_t length);

/* Drops all but the first `length` bytes, at most total_length; fragments may become empty. */
void packet_trim(struct packet *packet, size_t length);

static inline size_t packet_headroom(const struct packet *packet)
{
	return (size_t)(packet->data - packet->buffer);
}

static inline size_t packet_tailroom(const struct packet *packet)
{
	return packet->capacity - packet_headroom(packet) - packet->length;
}

/* `length` more bytes in front, for a header; NULL if the headroom is too small. */
static inline uint8_t *packet_push(struct packet *packet, size_t length)
{
	if (length > packet_headroom(packet))
		return NULL;
	packet->data -= length;
	packet->length += (uint32_t)length;
	packet->total_length += (uint32_t)length;
	packet->checksum_start = (uint16_t)(packet->checksum_start + length);
	return packet->data;
}

/* Drops `length` bytes in front, a header that was read; false if the first fragment is shorter. */
static inline bool packet_pull(struct packet *packet, size_t length)
{
	if (length > packet->length)
		return false;
	packet->data += length;
	packet->length -= (uint32_t)length;
	packet->total_length -= (uint32_t)length;
	packet->checksum_start = (uint16_t)(packet->checksum_start - length);
	return true;
}

/* The first fragment's bytes. */
static inline struct view packet_view(const struct packet *packet)
{
	return view_of(packet->data, packet->length);
}

/* A first-in first-out list of packets. Zero-initialise. */
struct packet_queue {
	struct packet *first, **end; /* end: NULL when never used */
	uint32_t count;
};

static inline void packet_queue_put(struct packet_queue *queue, struct packet *packet)
{
	packet->next = NULL;
	if (queue->first == NULL)
		queue->end = &queue->first;
	*queue->end = packet;
	queue->end = &packet->next;
	queue->count++;
}

static inline struct packet *packet_queue_take(struct packet_queue *queue)
{
	struct packet *packet = queue->first;

	if (packet != NULL) {
		queue->first = packet->next;
		packet->next = NULL;
		queue->count--;
	}
	return packet;
}

#endif
