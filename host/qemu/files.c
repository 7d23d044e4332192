/* The ramdisk of files: see files.h. */
#define _GNU_SOURCE /* memfd_create */
#include "host/qemu/files.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/report.h"

static bool append(int fd, const struct run_blob *blob)
{
	off_t end;

	for (uint64_t done = 0; done < blob->length;) {
		ssize_t n = write(fd, blob->data + done, blob->length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (uint64_t)n;
	}
	end = lseek(fd, 0, SEEK_CUR);
	end = (end + BOOT_PAGE_BYTES - 1) & ~(off_t)(BOOT_PAGE_BYTES - 1);
	return ftruncate(fd, end) == 0 && lseek(fd, end, SEEK_SET) == end;
}

int files_ramdisk(const struct run_config *config, int *code)
{
	int fd;

	*code = 0;
	if (config->blob_count == 0)
		return -1;
	fd = memfd_create("files", MFD_CLOEXEC);
	for (unsigned i = 0; fd >= 0 && i < config->blob_count; i++) {
		if (append(fd, &config->blobs[i]))
			continue;
		close(fd);
		fd = -1;
	}
	/* QEMU wants a ramdisk that isn't empty, even if all files are. */
	if (fd >= 0 && lseek(fd, 0, SEEK_END) == 0 && ftruncate(fd, BOOT_PAGE_BYTES) != 0) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		*code = report_error(EXIT_OUT_OF_MEMORY, "free some memory",
			"the files don't fit this machine's memory: %s", strerror(errno));
	return fd;
}
