/*
 * One walk serves both uses: each relocation found becomes a call of `visit`, which checks (before)
 * or changes (after). So what is applied is what was checked.
 */
#include "host/image/relocation.h"

#include <elf.h>
#include <string.h>

#include "host/image/elf.h"
#include "host/image/refuse.h"

#define WORD_BYTES   8
#define BITMAP_WORDS 63

struct visitor {
	const struct image *image;
	struct image_error *error; /* checking */
	uint8_t *loaded;	   /* applying; NULL: checking */
	uint64_t base;
	uint64_t left; /* words that no relocation was for */
};

static bool is_writable(const struct image *image, uint64_t address)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];

		if ((s->rights & IMAGE_WRITE) != 0 && address >= s->virtual &&
			s->memory_bytes >= WORD_BYTES &&
			address - s->virtual <= s->memory_bytes - WORD_BYTES)
			return true;
	}
	return false;
}

/* One word to relocate: by `addend` plus base, or by base alone. */
static bool visit(struct visitor *v, uint64_t address, bool adds, uint64_t addend)
{
	uint64_t word = addend;

	/* Each changes a word of its own; many for one would only keep us busy. */
	if (v->loaded == NULL && v->left-- == 0)
		return image_refuse(
			v->error, REMEDY_REBUILD, "has more relocations than words to relocate");
	if (v->loaded == NULL)
		return is_writable(v->image, address) ||
		       image_refuse(v->error, REMEDY_REBUILD,
			       "a relocation changes address %#llx, which is not writable data",
			       (unsigned long long)address);
	if (adds)
		memcpy(&word, v->loaded + address, WORD_BYTES);
	word += v->base;
	memcpy(v->loaded + address, &word, WORD_BYTES);
	return true;
}

static bool walk_rela(struct visitor *v)
{
	const struct image_table *table = &v->image->rela;
	const uint8_t *at = elf_bytes_at(v->image, table->virtual, table->bytes);

	for (uint64_t i = 0; i < table->bytes / sizeof(Elf64_Rela); i++) {
		Elf64_Rela entry;

		memcpy(&entry, at + i * sizeof(entry), sizeof(entry));
		if (v->loaded == NULL && entry.r_info != ELF64_R_INFO(0, R_X86_64_RELATIVE))
			return image_refuse(v->error, REMEDY_REBUILD,
				"relocation %llu is of type %u, not a relative one",
				(unsigned long long)i, (unsigned)ELF64_R_TYPE(entry.r_info));
		if (!visit(v, entry.r_offset, false, (uint64_t)entry.r_addend))
			return false;
	}
	return true;
}

/* The words of one bitmap, the first of them at `address`. */
static bool walk_bitmap(struct visitor *v, uint64_t address, uint64_t bitmap)
{
	for (unsigned i = 0; i < BITMAP_WORDS; i++)
		if ((bitmap >> (i + 1) & 1) != 0 && !visit(v, address + i * WORD_BYTES, true, 0))
			return false;
	return true;
}

static bool walk_relr(struct visitor *v)
{
	const struct image_table *table = &v->image->relr;
	const uint8_t *at = elf_bytes_at(v->image, table->virtual, table->bytes);
	uint64_t next = 0;

	for (uint64_t i = 0; i < table->bytes / WORD_BYTES; i++) {
		uint64_t entry;

		memcpy(&entry, at + i * WORD_BYTES, WORD_BYTES);
		if ((entry & 1) == 0) {
			if (!visit(v, entry, true, 0))
				return false;
			next = entry + WORD_BYTES;
		} else {
			if (i == 0)
				return image_refuse(v->error, REMEDY_REBUILD,
					"the relocation table begins with a bitmap");
			if (!walk_bitmap(v, next, entry))
				return false;
			next += BITMAP_WORDS * WORD_BYTES;
		}
	}
	return true;
}

bool relocation_check(const struct image *image, struct image_error *error)
{
	struct visitor v = {
		.image = image, .error = error, .left = image->span_bytes / WORD_BYTES
	};

	return walk_rela(&v) && walk_relr(&v);
}

void relocation_apply(const struct image *image, uint8_t *loaded, uint64_t virtual_base)
{
	struct visitor v = { .image = image, .loaded = loaded, .base = virtual_base };

	(void)walk_rela(&v);
	(void)walk_relr(&v);
}
