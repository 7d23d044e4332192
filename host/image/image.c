/*
 * Reading, decoding in order (ELF, relocations, manifest), loading.
 *
 * The file is read, not mapped: what was checked can't change before it is used, and a file that
 * shrinks under us is a short read and not a SIGBUS. The shim is not read, for nobody here looks into
 * it, and it would be most of a small file.
 */
#include "host/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/file.h"
#include "host/image/elf.h"
#include "host/image/manifest.h"
#include "host/image/refuse.h"
#include "host/image/relocation.h"

#define FIRST_BYTES 4096 /* the program headers are there */

void image_error_set(struct image_error *error, const char *remedy, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->what, sizeof(error->what), format, arguments);
	va_end(arguments);
	error->remedy = remedy;
	error->code = EXIT_REFUSED;
}

bool image_decode(
	struct image *image, const uint8_t *bytes, uint64_t length, struct image_error *error)
{
	struct elf_parts parts;

	memset(image, 0, sizeof(*image));
	image->bytes = bytes;
	image->length = length;
	return elf_decode(image, &parts, error) && relocation_check(image, error) &&
	       manifest_decode(image, &parts, error);
}

static bool check_file(int fd, uint64_t *length, struct image_error *error)
{
	struct stat about;

	if (fstat(fd, &about) != 0)
		return image_refuse(error, "check the path", "%s", strerror(errno));
	if (S_ISDIR(about.st_mode))
		return image_refuse(error, REMEDY_BUILD, "is a directory, not an image");
	if (!S_ISREG(about.st_mode))
		return image_refuse(error, REMEDY_BUILD, "is not a regular file");
	if (about.st_size == 0)
		return image_refuse(error, REMEDY_BUILD, "is empty");
	if ((uint64_t)about.st_size > IMAGE_BYTES_MAX)
		return image_refuse(error,
			"hand large data over at start instead:  --file NAME=PATH",
			"is larger than an image can be (1 GiB)");
	*length = (uint64_t)about.st_size;
	return true;
}

/* Reads what is needed of a file of `length` bytes. The length that it has; negative with errno. */
static int64_t read_needed(int fd, uint8_t *memory, uint64_t length)
{
	int64_t have = file_read(fd, memory, length < FIRST_BYTES ? length : FIRST_BYTES), more;
	uint64_t needed;

	if (have < FIRST_BYTES)
		return have;
	needed = elf_needed(memory, FIRST_BYTES, length);
	more = file_read(fd, memory + FIRST_BYTES, needed - FIRST_BYTES);
	if (more < 0 || FIRST_BYTES + (uint64_t)more < needed)
		return more < 0 ? more : FIRST_BYTES + more;
	return (int64_t)length;
}

/* Maps memory for the file and reads it there. */
static bool read_file(struct image *image, int fd, struct image_error *error)
{
	uint64_t length = 0;
	int64_t have;
	void *memory;

	if (!check_file(fd, &length, error))
		return false;
	memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		image_error_set(error, "free some memory", "does not fit this machine's memory");
		error->code = EXIT_OUT_OF_MEMORY;
		return false;
	}
	image->mapped_bytes = length;
	image->bytes = memory;
	have = read_needed(fd, memory, length);
	if (have < 0)
		return image_refuse(error, "check the disk", "can't be read: %s", strerror(errno));
	image->length = (uint64_t)have;
	return true;
}

bool image_open(struct image *image, const char *path, struct image_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t *bytes;
	uint64_t mapped;
	bool is_good;

	memset(image, 0, sizeof(*image));
	if (fd < 0)
		return image_refuse(error,
			errno == ENOENT ? REMEDY_BUILD : "check the path and its permissions", "%s",
			errno == ENOENT ? "there is no such file" : strerror(errno));
	is_good = read_file(image, fd, error);
	close(fd);
	bytes = (uint8_t *)image->bytes;
	mapped = image->mapped_bytes;
	is_good = is_good && image_decode(image, bytes, image->length, error);
	image->bytes = bytes;
	image->mapped_bytes = mapped;
	if (!is_good)
		image_close(image);
	return is_good;
}

void image_load(const struct image *image, uint8_t *destination, uint64_t virtual_base)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];

		memcpy(destination + s->virtual, image->bytes + s->file_offset, s->file_bytes);
	}
	relocation_apply(image, destination, virtual_base);
}

bool image_share(const struct image *image, uint8_t *destination, int fd)
{
	for (unsigned i = 0; i < image->region_count; i++) {
		const struct image_region *r = &image->regions[i];

		if ((r->rights & IMAGE_WRITE) != 0 &&
			mmap(destination + r->virtual, r->bytes, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, fd, (off_t)r->virtual) == MAP_FAILED)
			return false;
	}
	return true;
}

void image_close(struct image *image)
{
	if (image->mapped_bytes != 0)
		munmap((void *)image->bytes, image->mapped_bytes);
	image->mapped_bytes = 0;
	image->bytes = NULL;
}

const struct image_inside *image_inside_find(const struct image *image, const char *name)
{
	for (unsigned i = 0; i < image->inside_count; i++)
		if (strcmp(image->insides[i].name, name) == 0)
			return &image->insides[i];
	return NULL;
}
