/*
 * What is opened is only looked at when somebody asks: until then nothing of it was trusted.
 */
#include "host/debug/debug_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/image/image.h"

#define DEBUG_BYTES_MAX (UINT64_C(1) << 30)

static int open_path(const char *path)
{
	/* NONBLOCK: a FIFO of that name must not hold us up. */
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static int open_beside(const char *image_path)
{
	static const char ending[] = ".debug";
	size_t length = strlen(image_path);

	if (length + sizeof(ending) > PATH_MAX)
		return -1;

	char path[length + sizeof(ending)];

	memcpy(path, image_path, length);
	memcpy(path + length, ending, sizeof(ending));
	return open_path(path);
}

/* In the folder of the environment, by build id. */
static int open_by_build_id(const struct image *image)
{
	static const char *const forms[] = { "%s/.build-id/%.2s/%s.debug", "%s/%.2s/%s.debug" };
	const char *folder = getenv("DIATOM_DEBUG_DIR");
	char path[PATH_MAX], id[2 * IMAGE_BUILD_ID_MAX + 1];
	int fd = -1;

	if (folder == NULL || folder[0] == '\0' || image->build_id_bytes < 2)
		return -1;
	for (unsigned i = 0; i < image->build_id_bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", image->build_id[i]);
	for (unsigned i = 0; i < 2 && fd < 0; i++) {
		int length = snprintf(path, sizeof(path), forms[i], folder, id, id + 2);

		if (length > 0 && (size_t)length < sizeof(path))
			fd = open_path(path);
	}
	return fd;
}

/* Makes room for its bytes: reserved, not touched. */
static bool reserve(struct debug_file *file)
{
	struct stat about;

	if (fstat(file->fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size <= 0 ||
		(uint64_t)about.st_size > DEBUG_BYTES_MAX) {
		snprintf(file->why, sizeof(file->why), "it is no file of 1 byte to 1 GiB");
		return false;
	}
	file->length = file->reserved = (uint64_t)about.st_size;
	file->bytes = mmap(NULL, file->length, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (file->bytes != MAP_FAILED)
		return true;
	file->bytes = NULL;
	snprintf(file->why, sizeof(file->why), "it does not fit into memory");
	return false;
}

void debug_file_open(struct debug_file *file, const struct image *image, const char *image_path)
{
	memset(file, 0, sizeof(*file));
	file->fd = open_beside(image_path);
	if (file->fd < 0)
		file->fd = open_by_build_id(image);
	if (file->fd >= 0 && !reserve(file)) {
		close(file->fd);
		file->fd = -1;
	}
}

static bool read_whole(struct debug_file *file)
{
	uint64_t have = 0;

	while (have < file->length) {
		ssize_t n = pread(file->fd, file->bytes + have, file->length - have, (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (uint64_t)n;
	}
	file->length = have; /* it may have become shorter */
	return have > 0;
}

bool debug_file_read(struct debug_file *file, const struct image *image)
{
	const char *why = "it can't be read";

	if (file->fd < 0)
		return false;
	if (!read_whole(file) || !debug_decode(&file->debug, file->bytes, file->length, &why)) {
		snprintf(file->why, sizeof(file->why), "%s", why);
		return false;
	}
	if (debug_is_of(&file->debug, image->build_id, image->build_id_bytes))
		return true;
	snprintf(file->why, sizeof(file->why),
		"it is of another build (its build id begins %02x%02x%02x%02x, the image's "
		"%02x%02x%02x%02x)",
		file->debug.build_id[0], file->debug.build_id[1], file->debug.build_id[2],
		file->debug.build_id[3], image->build_id[0], image->build_id[1], image->build_id[2],
		image->build_id[3]);
	return false;
}

bool debug_file_load(struct debug_file *file, const struct image *image, const char *image_path)
{
	debug_file_open(file, image, image_path);
	return debug_file_read(file, image);
}

void debug_file_close(struct debug_file *file)
{
	if (file->bytes != NULL)
		munmap(file->bytes, file->reserved);
	if (file->fd >= 0)
		close(file->fd);
	file->bytes = NULL;
	file->fd = -1;
}
