/*
 * A file written front to back through a buffer. fd -1: nothing is written, only counted.
 */
#ifndef DIATOM_HOST_CRASH_CORE_OUT_H
#define DIATOM_HOST_CRASH_CORE_OUT_H

#include <stddef.h>
#include <stdint.h>

#define CORE_OUT_BYTES 65536

struct core_out {
	int fd;
	int error; /* errno of the first write that failed; nothing is written after it */
	uint64_t total;
	size_t used;
	uint8_t buffer[CORE_OUT_BYTES];
};

void core_out_put(struct core_out *out, const void *bytes, size_t length);
/* Zeros up to a multiple of `unit`. */
void core_out_align(struct core_out *out, uint64_t unit);
void core_out_flush(struct core_out *out);

#endif
