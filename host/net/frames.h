/*
 * Frames in a byte stream, as passt and QEMU's stream sockets have them:
 *
 *     | length, 4 bytes, big-endian | Ethernet frame | length | frame | ...
 *
 * The reader's buffer takes what a read brings, any piece of the stream; whole frames are then taken
 * out in place. The stream is hostile: a length that no frame has ends it.
 *
 *     buffer  [ taken | whole frames ... | part of a frame | room ]
 *             0       start                                end    FRAMES_BYTES
 */
#ifndef DIATOM_HOST_NET_FRAMES_H
#define DIATOM_HOST_NET_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAMES_LEAD	  4	/* bytes of a length */
#define FRAMES_LENGTH_MIN 14	/* an Ethernet header */
#define FRAMES_LENGTH_MAX 65553 /* the longest IP packet, an Ethernet header and a VLAN tag */
#define FRAMES_BYTES	  (8 * 1024 * 1024)

struct frames {
	uint8_t buffer[FRAMES_BYTES];
	size_t start, end;
	bool is_broken; /* the stream broke its protocol: nothing more comes out */
};

/* Where the next read goes, and how much it may bring. Frames that were taken and are still in use stay
 * where they are, and then it may be nothing; else it never is, once all whole frames are taken. */
uint8_t *frames_room(struct frames *frames, bool is_in_use, size_t *room);

/* A read brought `length` bytes there. */
void frames_add(struct frames *frames, size_t length);

/* The next whole frame, which stays where it is until frames_room; NULL if there is none. */
const uint8_t *frames_next(struct frames *frames, size_t *length);

/* Writes a frame's lead. */
void frames_put_lead(uint8_t lead[FRAMES_LEAD], size_t length);

#endif
