/*
 * Regular files only: their size is known, so the memory is mapped once.
 */
#include "host/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"
#include "host/report.h"

static int complain(const char *name, const char *path, const char *why)
{
	return report_error(EXIT_USAGE, "name a file that you may read:  --file NAME=PATH",
		"--file %s: %s: %s", name, path, why);
}

static int read_open_file(struct run_blob *blob, const char *name, const char *path, int fd)
{
	struct stat about;
	uint8_t *memory;
	int64_t have;

	if (fstat(fd, &about) != 0)
		return complain(name, path, strerror(errno));
	if (!S_ISREG(about.st_mode))
		return complain(name, path, "not a regular file");
	if ((uint64_t)about.st_size > BLOB_BYTES_MAX)
		return complain(name, path, "too large");
	/* At least one byte: an empty file has an address, too. */
	memory = mmap(NULL, (size_t)about.st_size + 1, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return report_error(EXIT_OUT_OF_MEMORY, "free some memory",
			"--file %s: %s does not fit this machine's memory", name, path);
	have = file_read(fd, memory, (uint64_t)about.st_size);
	if (have < 0)
		return complain(name, path, strerror(errno));
	blob->data = memory;
	blob->length = (uint64_t)have;
	return 0;
}

int blob_read(struct run_blob *blob, const char *name, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), code;

	if (fd < 0)
		return complain(name, path, strerror(errno));
	memcpy(blob->name, name, sizeof(blob->name));
	blob->path = path;
	code = read_open_file(blob, name, path, fd);
	close(fd);
	return code;
}
