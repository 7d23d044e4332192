/*
 * Reading and writing of descriptors: 1 and 2 are the console, 0 is at its end (diatom/console.h
 * reads the host's input). An image has no others.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>

#include "libc/calls.h"
#include "libc/descriptor.h"
#include "plat/plat.h"

long libc_write(long fd, long data, long length)
{
	if (!descriptor_is_output(fd))
		return -EBADF;
	if (length < 0)
		return -EINVAL;
	plat_console_write((const void *)data, (size_t)length);
	return length;
}

/* A line that stdio hands over in two parts is gathered: one platform call, and no other output in
 * its middle. */
long libc_writev(long fd, long vector, long count)
{
	const struct iovec *part = (const struct iovec *)vector;
	uint8_t line[256];
	size_t gathered = 0, total = 0;

	if (!descriptor_is_output(fd))
		return -EBADF;
	if (count < 0 || count > IOV_MAX)
		return -EINVAL;
	for (long i = 0; i < count; i++) {
		size_t length = part[i].iov_len;

		total += length;
		if (length > sizeof(line) - gathered && gathered > 0) {
			plat_console_write(line, gathered);
			gathered = 0;
		}
		if (length > sizeof(line)) {
			plat_console_write(part[i].iov_base, length);
		} else {
			memcpy(line + gathered, part[i].iov_base, length);
			gathered += length;
		}
	}
	if (gathered > 0)
		plat_console_write(line, gathered);
	return (long)total;
}

long libc_read(long fd, long data, long length)
{
	return descriptor_is_console(fd) ? 0 : -EBADF;
}

long libc_readv(long fd, long vector, long count)
{
	return libc_read(fd, 0, 0);
}
