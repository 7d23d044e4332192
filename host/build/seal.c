/*
 * From the linked file to the two that the user gets:
 *
 *     linked   |ehdr|phdrs|notes|rodata|text|relro|data|  debug sections, symbols, section headers|
 *     IMAGE    |ehdr|phdrs|notes|rodata|text|relro|data|shim|   no section headers: what a host loads
 *     .debug   the linked file, and the section .diatom.parts
 *
 * What is written is first read with the same decoder that `diatom run` has, so an image that is made
 * here is never refused there.
 */
#define _GNU_SOURCE /* memmem */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/call.h"
#include "abi/hardening.h"
#include "host/build/account.h"
#include "host/build/harden.h"
#include "host/build/shim.h"
#include "host/build/work.h"
#include "host/image/image.h"
#include "host/inspect/parts.h"
#include "host/report.h"

struct linked {
	uint8_t *bytes;
	uint64_t length;
	uint64_t loaded; /* leading bytes that an image needs */
};

static bool read_linked(const struct work *work, struct linked *linked)
{
	char path[PATH_MAX];
	struct stat stat;
	int fd;

	snprintf(path, sizeof(path), "%s/image", work->folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) != 0 || stat.st_size < (off_t)sizeof(Elf64_Ehdr)) {
		report_error(1, NULL, "%s: %m", path);
		return false;
	}
	linked->length = (uint64_t)stat.st_size;
	linked->bytes = mmap(NULL, linked->length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	return linked->bytes != MAP_FAILED;
}

static void measure(struct linked *linked)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)linked->bytes;
	const Elf64_Phdr *segment = (const Elf64_Phdr *)(linked->bytes + header->e_phoff);

	linked->loaded = header->e_phoff + header->e_phnum * sizeof(*segment);
	for (unsigned i = 0; i < header->e_phnum; i++)
		if (segment[i].p_type == PT_LOAD &&
			segment[i].p_offset + segment[i].p_filesz > linked->loaded)
			linked->loaded = segment[i].p_offset + segment[i].p_filesz;
}

/* A note's descriptor, by all that stands before it. The manifest's name and version may be the
 * program's own declaration. */
static void *find_note(struct linked *linked, const void *lead, size_t lead_bytes)
{
	uint8_t *found = memmem(linked->bytes, linked->loaded, lead, lead_bytes);

	return found ? found + lead_bytes : NULL;
}

static void set_label(char label[32], const char *value)
{
	if (!value)
		return;
	memset(label, 0, 32);
	memcpy(label, value, strlen(value));
}

static void set_about(const struct request *request, struct linked *linked)
{
	static const char lead[20] = { 7, 0, 0, 0, sizeof(struct manifest_image), 0, 0, 0,
		MANIFEST_IMAGE, 0, 0, 0, 'D', 'i', 'a', 't', 'o', 'm', 0, 0 };
	struct manifest_image *about = find_note(linked, lead, sizeof(lead));

	if (!about)
		return;
	set_label(about->name, request->name);
	set_label(about->version, request->version);
}

static void set_hardening(const struct work *work, struct linked *linked)
{
	static const struct hardening_note lead = { sizeof(HARDENING_OWNER),
		sizeof(struct hardening), HARDENING_NOTE, HARDENING_OWNER, { 0 } };
	struct hardening *hardening =
		find_note(linked, &lead, offsetof(struct hardening_note, desc));

	if (!hardening)
		return;
	hardening->compiler =
		strcmp(work->request->compiler, "gcc") == 0 ? HARDENING_GCC : HARDENING_CLANG;
	hardening->measures = harden_measures(work);
}

/* Leaves no half-written file behind, and none that a running image is still reading. */
static bool write_file(const char *path, const uint8_t *bytes, uint64_t length, mode_t mode)
{
	char fresh[PATH_MAX + 8];
	uint64_t done = 0;
	int fd;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	while (fd >= 0 && done < length) {
		ssize_t n = write(fd, bytes + done, length - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (uint64_t)n : 0;
	}
	if (fd >= 0 && close(fd) == 0 && done == length && rename(fresh, path) == 0)
		return true;
	report_error(1, NULL, "%s can't be written: %m", path);
	if (fd >= 0)
		unlink(fresh);
	return false;
}

/* The decoder's word on what was linked, or on what will be written. */
static bool decode(struct image *image, const uint8_t *bytes, uint64_t length)
{
	struct image_error error;

	if (image_decode(image, bytes, length, &error))
		return true;
	report_error(1, error.remedy, "the image would be refused: %s", error.what);
	return false;
}

/* gdb finds out where an image was loaded by comparing program headers: the debug file has those of the
 * image, the shim's among them, though not the shim. */
static void copy_program_headers(uint8_t *debug, const uint8_t *file)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)file;

	memcpy(debug + header->e_phoff, file + header->e_phoff,
		header->e_phnum * sizeof(Elf64_Phdr));
}

/* With the list of parts, for `diatom inspect`. */
static bool write_debug(const struct work *work, const struct linked *linked, const uint8_t *file)
{
	char path[PATH_MAX + 8], *parts;
	uint64_t bytes;
	uint8_t *copy;
	size_t length;
	bool is_good;

	parts = account_make(work, linked->bytes, &length);
	copy = parts ? account_append(
			       linked->bytes, linked->length, PARTS_SECTION, parts, length, &bytes)
		     : NULL;
	if (!copy) {
		report_error(1, NULL, "the linker's map can't be read");
		return false;
	}
	copy_program_headers(copy, file);
	snprintf(path, sizeof(path), "%s.debug", work->request->output);
	is_good = write_file(path, copy, bytes, 0666);
	free(copy);
	free(parts);
	return is_good;
}

/* The image: what the linker made, without its sections, and the shim. */
static bool make_image(
	const struct work *work, const struct linked *linked, uint8_t **file, uint64_t *length)
{
	struct image image;
	Elf64_Ehdr *header;

	if (!decode(&image, linked->bytes, linked->loaded) ||
		!shim_append(&image, work->toolchain.shim, file, length))
		return false;
	header = (Elf64_Ehdr *)(void *)*file;
	header->e_shoff = 0;
	header->e_shnum = 0;
	header->e_shentsize = 0;
	header->e_shstrndx = 0;
	return decode(&image, *file, *length);
}

bool seal_image(struct work *work)
{
	struct linked linked;
	uint8_t *file = NULL;
	uint64_t length;
	bool is_good;

	if (!read_linked(work, &linked))
		return false;
	measure(&linked);
	if (work->has_about)
		set_about(work->request, &linked);
	set_hardening(work, &linked);
	is_good = make_image(work, &linked, &file, &length) && write_debug(work, &linked, file) &&
		  write_file(work->request->output, file, length, 0777);
	free(file);
	munmap(linked.bytes, linked.length);
	return is_good;
}
