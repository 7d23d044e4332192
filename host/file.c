/*
 * A file may be shorter than it was a moment ago: the caller gets what there is.
 */
#include "host/file.h"

#include <errno.h>
#include <unistd.h>

int64_t file_read(int fd, uint8_t *to, uint64_t most)
{
	uint64_t have = 0;

	while (have < most) {
		ssize_t n = read(fd, to + have, most - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (uint64_t)n;
	}
	return (int64_t)have;
}
