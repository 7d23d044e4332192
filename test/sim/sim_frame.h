/*
 * Frames on their way: what the device would do to one (checksum, segmentation), what the network does,
 * and how one reads.
 */
#ifndef DIATOM_TEST_SIM_FRAME_H
#define DIATOM_TEST_SIM_FRAME_H

#include "diatom/packet.h"
#include "diatom/time.h"

/*
 * Calls each(wire, argument) for every frame that the wire sees of what a stack transmitted: segments cut,
 * checksums completed, each in one buffer that is good for the call. `frame` stays the caller's.
 */
void sim_frame_finish(const struct packet *frame, void (*each)(struct packet *wire, void *argument),
	void *argument);

/* A copy in one buffer. */
struct packet *sim_frame_copy(const struct packet *frame);
/* The same bytes in two buffers, if it is long enough. Takes it. */
struct packet *sim_frame_split(struct packet *frame);
/* A congested router's mark (RFC 3168 5), on frames whose sender knows of it. */
void sim_frame_mark(struct packet *frame);

/* One line on the standard output, as tcpdump would have it, and what became of the frame. */
void sim_frame_print(instant now, struct view frame, const char *fate);

#endif
