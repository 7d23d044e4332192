/*
 * The code is searched for the few byte sequences that hardening leaves there. They are counted, not
 * decoded: a constant may look like one, which does not matter for what they are used for, to see
 * whether there are any.
 */
#include "host/inspect/inspection.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "host/debug/debug.h"
#include "host/image/elf.h"
#include "host/image/note.h"

#define XEN_PHYS32_ENTRY 18 /* xen/include/public/elfnote.h */
/* LLVM's number of a failed control-flow check, in ud1's displacement. That of the libraries: where
 * each check has a trap of its own, as in the program (host/build/toolchain.c), clang 19 puts another
 * number. */
#define SHIM_ALIGNMENT_MOST 64
#define UD1_CFI		    2

static void take_note(struct inspection *inspection, const struct note *note)
{
	if (note_is_of(note, "Xen") && note->type == XEN_PHYS32_ENTRY &&
		note->desc_bytes >= sizeof(inspection->pvh_entry)) {
		inspection->has_pvh = true;
		memcpy(&inspection->pvh_entry, note->desc, sizeof(inspection->pvh_entry));
	} else if (note_is_of(note, HARDENING_OWNER) && note->type == HARDENING_NOTE &&
		   note->desc_bytes == sizeof(inspection->hardening)) {
		memcpy(&inspection->hardening, note->desc, sizeof(inspection->hardening));
		inspection->has_hardening = inspection->hardening.compiler != HARDENING_UNKNOWN;
	}
}

static void take_notes(struct inspection *inspection, const struct elf_notes *notes)
{
	struct note note;
	uint64_t length;

	for (uint64_t done = 0; done < notes->bytes; done += length) {
		length = note_read(inspection->image.bytes + notes->offset + done,
			notes->bytes - done, notes->alignment, &note);
		if (length == 0)
			return;
		take_note(inspection, &note);
	}
}

/* The notes that the image's own decoder passes over. */
static void find_notes(struct inspection *inspection)
{
	struct image again = { .bytes = inspection->image.bytes,
		.length = inspection->image.length };
	struct image_error error;
	struct elf_parts parts;

	if (!elf_decode(&again, &parts, &error))
		return;
	for (unsigned i = 0; i < parts.notes_count; i++)
		take_notes(inspection, &parts.notes[i]);
}

/* mov, sub, cmp or xor of %fs:0x28 with a register. */
static bool is_canary(const uint8_t *at)
{
	static const uint8_t address[] = { 0x25, 0x28, 0, 0, 0 };

	return at[0] == 0x64 && (at[1] & 0xf0) == 0x40 && (at[3] & 0xc7) == 0x04 &&
	       memcmp(at + 4, address, sizeof(address)) == 0;
}

/* One place of the code, of which `left` bytes are left. */
static void scan_place(struct inspection *inspection, const uint8_t *at, size_t left)
{
	if (left >= 9 && *at == 0x64)
		inspection->canary_uses += is_canary(at);
	else if (left >= 2 && at[0] == 0x0f && at[1] == 0x0b) /* ud2: gcc */
		inspection->traps++;
	else if (left >= 3 && at[0] == 0x67 && at[1] == 0x0f && at[2] == 0xb9) { /* ud1: clang */
		inspection->traps++;
		inspection->cfi_checks += left >= 5 && at[3] == 0x40 && at[4] == UD1_CFI;
	}
}

static void scan_code(struct inspection *inspection, const uint8_t *at, const uint8_t *end)
{
	for (; at < end; at++)
		scan_place(inspection, at, (size_t)(end - at));
}

void inspection_of_image(struct inspection *inspection)
{
	const struct image *image = &inspection->image;
	uint64_t loaded;
	Elf64_Ehdr header;

	find_notes(inspection);
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];

		if ((s->rights & IMAGE_EXECUTE) != 0)
			scan_code(inspection, image->bytes + s->file_offset,
				image->bytes + s->file_offset + s->file_bytes);
	}
	inspection->relocations = image->rela.bytes + image->relr.bytes;
	memcpy(&header, image->bytes, sizeof(header));
	inspection->header_bytes = sizeof(header) + header.e_phnum * sizeof(Elf64_Phdr);
	loaded = header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr);
	for (unsigned i = 0; i < image->segment_count; i++)
		if (image->segments[i].file_offset + image->segments[i].file_bytes > loaded)
			loaded = image->segments[i].file_offset + image->segments[i].file_bytes;
	/* It follows the segments, and was checked to lie in the file. */
	inspection->shim_bytes = image->shim_bytes < image->length - loaded
					 ? image->shim_bytes
					 : image->length - loaded;
	inspection->unloaded_bytes = image->length - loaded - inspection->shim_bytes;
	/* The shim begins at an aligned place. */
	if (inspection->shim_bytes > 0 && inspection->unloaded_bytes < SHIM_ALIGNMENT_MOST)
		inspection->unloaded_bytes = 0;
	inspection->list = LIST_NO_FILE;
}

/* The list's bytes must fit the file that it claims to be of; what it leaves is padding. */
static bool add_up(struct inspection *inspection)
{
	uint64_t known =
		inspection->header_bytes + inspection->shim_bytes + inspection->unloaded_bytes;

	for (unsigned i = 0; i < inspection->parts.library_count; i++)
		known += inspection->parts.libraries[i].file_bytes;
	if (known > inspection->image.length)
		return false;
	inspection->padding_bytes = inspection->image.length - known;
	return true;
}

static enum list_state read_debug(
	struct inspection *inspection, const uint8_t *file, uint64_t length)
{
	const struct image *image = &inspection->image;
	struct debug debug;
	const char *why;

	if (!debug_decode(&debug, file, length, &why))
		return LIST_UNREADABLE;
	if (!debug_is_of(&debug, image->build_id, image->build_id_bytes))
		return LIST_OF_OTHER;
	if (debug.parts.length == 0)
		return LIST_MISSING;
	if (!parts_read(&inspection->parts, (const char *)debug.parts.at, debug.parts.length))
		return LIST_UNREADABLE;
	if (add_up(inspection))
		return LIST_GOOD;
	parts_free(&inspection->parts);
	return LIST_UNREADABLE;
}

void inspection_of_debug(struct inspection *inspection, const uint8_t *file, uint64_t length)
{
	inspection->list = read_debug(inspection, file, length);
}

static const struct measure {
	uint32_t bit;
	const char *name;
	const char *unit; /* of what shows in the code; NULL: nothing does */
} measures[] = {
	{ HARDENING_CFI, "control-flow integrity", "checks of the libraries" },
	{ HARDENING_STACK_PROTECTOR, "stack protector", "uses of the canary" },
	{ HARDENING_BOUNDS, "traps on array bounds", "traps" },
	{ HARDENING_OVERFLOW, "traps on signed overflow", NULL },
	{ HARDENING_SHIFT, "traps on impossible shifts", NULL },
	{ HARDENING_ZERO_INIT, "locals start as zero", NULL },
	{ HARDENING_SHUFFLED, "shuffled layout", NULL },
};

const char *inspection_measure(
	const struct inspection *inspection, unsigned i, bool *is_on, char seen[64])
{
	uint64_t count;

	if (i >= sizeof(measures) / sizeof(measures[0]))
		return NULL;
	*is_on = inspection->has_hardening &&
		 (inspection->hardening.measures & measures[i].bit) != 0;
	count = measures[i].bit == HARDENING_CFI	       ? inspection->cfi_checks
		: measures[i].bit == HARDENING_STACK_PROTECTOR ? inspection->canary_uses
							       : inspection->traps;
	seen[0] = '\0';
	if (measures[i].unit)
		snprintf(seen, 64, "%llu %s in the code", (unsigned long long)count,
			measures[i].unit);
	else if (measures[i].bit == HARDENING_SHUFFLED && inspection->parts.seed)
		snprintf(seen, 64, "seed %.40s", inspection->parts.seed);
	return measures[i].name;
}

const char *inspection_region(const struct image_region *region)
{
	if (region->is_relro)
		return "pointers: relocated, then sealed";
	if ((region->rights & IMAGE_EXECUTE) != 0)
		return "code";
	if ((region->rights & IMAGE_WRITE) != 0)
		return "data and zeros";
	return "manifest, constants, tables";
}
