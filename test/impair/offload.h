/*
 * What a device does to a frame that a program left unfinished: completes its checksum, and cuts TCP into
 * segments.
 */
#ifndef DIATOM_TEST_IMPAIR_OFFLOAD_H
#define DIATOM_TEST_IMPAIR_OFFLOAD_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OFFLOAD_FRAME_MAX (65535 + 18)

/* Calls `take` for each frame that the wire would see; false: the header makes no sense. Changes the bytes. */
bool offload_finish(const struct virtio_net_hdr *header, uint8_t *bytes, size_t length,
	void (*take)(void *argument, const uint8_t *bytes, size_t length), void *argument);

#endif
