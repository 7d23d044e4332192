/*
 * Questions about the three descriptors: they are character devices, but no terminals.
 */
#include "libc/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "libc/calls.h"

long libc_close(long fd)
{
	return descriptor_is_console(fd) ? 0 : -EBADF;
}

long libc_lseek(long fd, long offset, long from)
{
	return descriptor_is_console(fd) ? -ESPIPE : -EBADF;
}

/* On x86-64 the C library's struct stat is the one of the call. */
long libc_fstat(long fd, long out)
{
	struct stat *stat = (struct stat *)out;

	if (!descriptor_is_console(fd))
		return -EBADF;
	memset(stat, 0, sizeof(*stat));
	stat->st_mode = S_IFCHR | 0620;
	stat->st_nlink = 1;
	stat->st_blksize = 1024;
	return 0;
}

/* No file has a name; the empty name is the descriptor itself. */
long libc_newfstatat(long fd, long name, long out, long flags)
{
	if ((flags & AT_EMPTY_PATH) && *(const char *)name == '\0')
		return libc_fstat(fd, out);
	return -ENOENT;
}

long libc_ioctl(long fd, long request, long argument)
{
	return descriptor_is_console(fd) ? -ENOTTY : -EBADF;
}

long libc_fcntl(long fd, long command, long argument)
{
	if (!descriptor_is_console(fd))
		return -EBADF;
	switch (command) {
	case F_GETFD:
	case F_SETFD:
	case F_SETFL:
		return 0;
	case F_GETFL:
		return fd == 0 ? O_RDONLY : O_WRONLY;
	default:
		return -EINVAL;
	}
}
