/*
 * Errors are kept, not returned: a core file is written to its end or given up.
 */
#include "host/crash/core_out.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void core_out_flush(struct core_out *out)
{
	size_t done = 0;

	while (out->fd >= 0 && out->error == 0 && done < out->used) {
		ssize_t n = write(out->fd, out->buffer + done, out->used - done);

		if (n < 0 && errno != EINTR)
			out->error = errno;
		if (n == 0)
			out->error = ENOSPC;
		done += n > 0 ? (size_t)n : 0;
	}
	out->used = 0;
}

void core_out_put(struct core_out *out, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;

	out->total += length;
	while (length > 0 && out->fd >= 0) {
		size_t room = sizeof(out->buffer) - out->used;
		size_t part = length < room ? length : room;

		memcpy(out->buffer + out->used, from, part);
		out->used += part;
		from += part;
		length -= part;
		if (out->used == sizeof(out->buffer))
			core_out_flush(out);
	}
}

void core_out_align(struct core_out *out, uint64_t unit)
{
	static const uint8_t zeros[64];

	while (out->total % unit != 0) {
		uint64_t missing = unit - out->total % unit;

		core_out_put(out, zeros, missing < sizeof(zeros) ? missing : sizeof(zeros));
	}
}
