/*
 * The body's file with the shim behind, its headers changed in place: the program header that says
 * what every image has (no executable stack) becomes the shim's, and physical addresses say where
 * hypervisors load the segments.
 *
 * What the decoder found out about the body is written down for the shim, which reads no ELF.
 */
#include "host/build/shim.h"

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/shim_image.h"
#include "host/file.h"
#include "host/report.h"

#define SHIM_VIRTUAL (IMAGE_BYTES_MAX + SHIM_PHYSICAL) /* above any body; nobody uses it */

static bool refuse(const char *path)
{
	report_error(1, "build it again:  make shim", "%s is not a shim", path);
	return false;
}

/* Reads the shim to `room` bytes at `to`; returns its length, 0 after an error. */
static uint64_t read_shim(const char *path, uint8_t *to, uint64_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t length = fd < 0 ? -1 : file_read(fd, to, room);
	struct shim_image about;

	if (fd >= 0)
		close(fd);
	if (length < (int64_t)(SHIM_IMAGE_AT + sizeof(about)))
		return refuse(path);
	memcpy(&about, to + SHIM_IMAGE_AT, sizeof(about));
	if (about.magic != SHIM_MAGIC || about.memory_bytes < (uint64_t)length ||
		about.memory_bytes > SHIM_BYTES_MAX)
		return refuse(path);
	return (uint64_t)length;
}

/* The notes' segment, found by the way the manifest is aligned: other notes are by 8. */
static struct shim_table notes_of(const Elf64_Phdr *headers, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (headers[i].p_type == PT_NOTE && headers[i].p_align == 4)
			return (struct shim_table){ (uint32_t)headers[i].p_vaddr,
				(uint32_t)headers[i].p_filesz };
	return (struct shim_table){ 0 };
}

static void describe(const struct image *body, struct shim_image *about)
{
	about->entry = (uint32_t)body->entry;
	about->span_bytes = (uint32_t)body->span_bytes;
	about->rela =
		(struct shim_table){ (uint32_t)body->rela.virtual, (uint32_t)body->rela.bytes };
	about->relr =
		(struct shim_table){ (uint32_t)body->relr.virtual, (uint32_t)body->relr.bytes };
	about->stack_bytes = body->has_stacks ? body->stack_bytes : 0;
	about->stack_count_max = body->stack_count_max;
	about->region_count = body->region_count;
	for (unsigned i = 0; i < body->region_count; i++) {
		const struct image_region *r = &body->regions[i];

		about->regions[i] = (struct shim_region){ (uint32_t)r->virtual | r->rights,
			(uint32_t)(r->virtual + r->bytes) };
	}
}

/* False: there is no header to spare for the shim. */
static bool change_headers(uint8_t *file, uint64_t at, uint64_t length, uint32_t memory_bytes)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)file;
	Elf64_Phdr *headers = (Elf64_Phdr *)(file + header->e_phoff);
	bool has_shim = false;

	header->e_entry += SHIM_BODY_PHYSICAL;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		headers[i].p_paddr = SHIM_BODY_PHYSICAL + headers[i].p_vaddr;
		if (headers[i].p_type != PT_GNU_STACK || has_shim)
			continue;
		headers[i] = (Elf64_Phdr){ .p_type = PT_LOAD,
			.p_flags = PF_R | PF_W | PF_X | SHIM_SEGMENT,
			.p_offset = at,
			.p_vaddr = SHIM_VIRTUAL,
			.p_paddr = SHIM_PHYSICAL,
			.p_filesz = length,
			.p_memsz = memory_bytes,
			.p_align = 16 };
		has_shim = true;
	}
	return has_shim;
}

bool shim_append(const struct image *body, const char *path, uint8_t **file, uint64_t *length)
{
	uint64_t at = (body->length + 15) & ~UINT64_C(15), shim_length;
	uint8_t *bytes = calloc(1, at + SHIM_BYTES_MAX);
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes;
	struct shim_image *about;

	if (bytes == NULL) {
		report_error(1, "free some memory", "%m");
		return false;
	}
	*file = bytes;
	memcpy(bytes, body->bytes, body->length);
	shim_length = read_shim(path, bytes + at, SHIM_BYTES_MAX);
	if (shim_length == 0)
		return false;
	about = (struct shim_image *)(bytes + at + SHIM_IMAGE_AT);
	describe(body, about);
	about->notes = notes_of((const Elf64_Phdr *)(bytes + header->e_phoff), header->e_phnum);
	*length = at + shim_length;
	if (change_headers(bytes, at, shim_length, about->memory_bytes))
		return true;
	report_error(1, "this is a bug in diatom's build", "the image has no room for the shim");
	return false;
}
