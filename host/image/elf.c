/*
 * ELF in the order in which each fact becomes trustworthy: file header, program headers one by one,
 * then what spans several of them: entry, relro, dynamic section.
 *
 * Every offset and length is compared by subtraction from what was already checked, so nothing wraps.
 */
#include "host/image/elf.h"

#include <string.h>

#include "abi/shim_image.h"
#include "host/image/refuse.h"

#define PAGE_BYTES    UINT64_C(4096)
#define HEADERS_MAX   32
#define ALIGNMENT_MAX UINT64_C(0x200000)
/* elf.h of musl 1.2.3 does not have these yet (generic ABI, "Dynamic Section"). */
#define TAG_RELR_BYTES 35
#define TAG_RELR       36
#define TAG_RELR_ENTRY 37

static uint64_t page_down(uint64_t value)
{
	return value & ~(PAGE_BYTES - 1);
}

static uint64_t page_up(uint64_t value)
{
	return page_down(value + PAGE_BYTES - 1);
}

/* Does [start, start + bytes) lie within `length` bytes? */
static bool is_inside(uint64_t start, uint64_t bytes, uint64_t length)
{
	return start <= length && bytes <= length - start;
}

static bool is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

static bool check_header(const struct image *image, Elf64_Ehdr *header, struct image_error *error)
{
	if (image->length < sizeof(*header) || memcmp(image->bytes, ELFMAG, SELFMAG) != 0)
		return image_refuse(error, REMEDY_BUILD, "is not a Diatom image (no ELF file)");
	memcpy(header, image->bytes, sizeof(*header));
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
		header->e_machine != EM_X86_64)
		return image_refuse(error, REMEDY_BUILD, "is not an ELF file for x86-64");
	if (header->e_type != ET_DYN)
		return image_refuse(
			error, REMEDY_BUILD, "is not a Diatom image (not position-independent)");
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
		header->e_phnum > HEADERS_MAX)
		return image_refuse(error, REMEDY_REBUILD, "has %u program headers of %u bytes",
			header->e_phnum, header->e_phentsize);
	if (!is_inside(header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr), image->length))
		return image_refuse(error, REMEDY_REBUILD,
			"is cut off: its program headers lie beyond its end");
	return true;
}

/* The numbers of one PT_LOAD by themselves. */
static bool check_load(
	const struct image *image, const Elf64_Phdr *p, unsigned i, struct image_error *error)
{
	if (!is_inside(p->p_offset, p->p_filesz, image->length))
		return image_refuse(error, REMEDY_REBUILD,
			"is cut off: segment %u lies beyond the file's end", i);
	if (p->p_filesz > p->p_memsz)
		return image_refuse(error, REMEDY_REBUILD,
			"segment %u is larger in the file than in memory", i);
	if (!is_inside(p->p_vaddr, p->p_memsz, IMAGE_BYTES_MAX))
		return image_refuse(
			error, REMEDY_REBUILD, "segment %u lies beyond 1 GiB or is too large", i);
	if (!is_power_of_two(p->p_align) || p->p_align < PAGE_BYTES || p->p_align > ALIGNMENT_MAX ||
		(p->p_vaddr - p->p_offset) % PAGE_BYTES != 0)
		return image_refuse(error, REMEDY_REBUILD, "segment %u is not aligned to pages", i);
	if ((p->p_flags & PF_W) != 0 && (p->p_flags & PF_X) != 0)
		return image_refuse(
			error, REMEDY_REBUILD, "segment %u is writable and executable", i);
	if ((p->p_flags & PF_R) == 0 || (p->p_flags & ~(uint32_t)(PF_R | PF_W | PF_X)) != 0)
		return image_refuse(error, REMEDY_REBUILD, "segment %u has odd permissions", i);
	return true;
}

static bool add_load(
	struct image *image, const Elf64_Phdr *p, unsigned i, struct image_error *error)
{
	struct image_segment *s = &image->segments[image->segment_count];

	if (!check_load(image, p, i, error))
		return false;
	if (p->p_memsz == 0)
		return true;
	if (image->segment_count == IMAGE_SEGMENTS_MAX)
		return image_refuse(error, REMEDY_REBUILD, "has too many segments");
	if (image->segment_count == 0 && (p->p_vaddr != 0 || p->p_offset != 0))
		return image_refuse(error, REMEDY_REBUILD,
			"its first segment does not begin with its ELF header");
	/* span_bytes is where the pages of the segments so far end. */
	if (page_down(p->p_vaddr) < image->span_bytes)
		return image_refuse(
			error, REMEDY_REBUILD, "segment %u overlaps another or is out of order", i);
	*s = (struct image_segment){ p->p_vaddr, p->p_memsz, p->p_offset, p->p_filesz, p->p_flags };
	image->segment_count++;
	image->span_bytes = page_up(p->p_vaddr + p->p_memsz);
	return true;
}

/* What other hypervisors load beside the body: it must be there, and alone, and is not looked into. */
static bool pass_shim(
	struct image *image, const Elf64_Phdr *p, unsigned i, struct image_error *error)
{
	if (!is_inside(p->p_offset, p->p_filesz, image->length))
		return image_refuse(error, REMEDY_REBUILD,
			"is cut off: segment %u lies beyond the file's end", i);
	if (image->shim_bytes != 0 || p->p_filesz < SHIM_IMAGE_AT + SHIM_IMAGE_BYTES ||
		p->p_filesz > p->p_memsz || p->p_memsz > SHIM_BYTES_MAX ||
		p->p_paddr != SHIM_PHYSICAL)
		return image_refuse(error, REMEDY_REBUILD, "has more than one shim, or an odd one");
	image->shim_bytes = p->p_filesz;
	return true;
}

static bool add_notes(const struct image *image, struct elf_parts *parts, const Elf64_Phdr *p,
	unsigned i, struct image_error *error)
{
	if (!is_inside(p->p_offset, p->p_filesz, image->length))
		return image_refuse(error, REMEDY_REBUILD,
			"is cut off: note segment %u lies beyond the file's end", i);
	if (parts->notes_count == IMAGE_SEGMENTS_MAX)
		return image_refuse(error, REMEDY_REBUILD, "has too many note segments");
	parts->notes[parts->notes_count++] =
		(struct elf_notes){ p->p_offset, p->p_filesz, p->p_align == 8 ? 8 : 4, p->p_vaddr };
	return true;
}

/* Keeps a header that may come once. */
static bool keep_once(
	Elf64_Phdr *kept, const Elf64_Phdr *p, const char *what, struct image_error *error)
{
	if (kept->p_type != PT_NULL)
		return image_refuse(error, REMEDY_REBUILD, "has more than one %s", what);
	*kept = *p;
	return true;
}

static bool check_tls(const Elf64_Phdr *p, struct image_error *error)
{
	if (p->p_filesz > p->p_memsz || !is_inside(p->p_vaddr, p->p_memsz, IMAGE_BYTES_MAX) ||
		(p->p_align > 1 && !is_power_of_two(p->p_align)) || p->p_align > PAGE_BYTES)
		return image_refuse(error, REMEDY_REBUILD, "its thread-local segment is malformed");
	return true;
}

static bool add_program_header(struct image *image, struct elf_parts *parts, const Elf64_Phdr *p,
	unsigned i, struct image_error *error)
{
	switch (p->p_type) {
	case PT_LOAD:
		return (p->p_flags & SHIM_SEGMENT) != 0 ? pass_shim(image, p, i, error)
							: add_load(image, p, i, error);
	case PT_NOTE:
		return add_notes(image, parts, p, i, error);
	case PT_DYNAMIC:
		return keep_once(&parts->dynamic, p, "dynamic section", error);
	case PT_GNU_RELRO:
		return keep_once(&parts->relro, p, "relro segment", error);
	case PT_TLS:
		return keep_once(&parts->tls, p, "thread-local segment", error) &&
		       check_tls(p, error);
	case PT_INTERP:
		return image_refuse(error, REMEDY_BUILD,
			"is not a Diatom image (a program for Linux's dynamic linker)");
	case PT_GNU_STACK:
		return (p->p_flags & PF_X) == 0 ||
		       image_refuse(error, REMEDY_REBUILD, "wants an executable stack");
	default:
		return true;
	}
}

static bool add_program_headers(struct image *image, struct elf_parts *parts,
	const Elf64_Ehdr *header, struct image_error *error)
{
	for (unsigned i = 0; i < header->e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, image->bytes + header->e_phoff + i * sizeof(p), sizeof(p));
		if (!add_program_header(image, parts, &p, i, error))
			return false;
	}
	if (image->segment_count == 0)
		return image_refuse(error, REMEDY_REBUILD, "has nothing to load");
	image->headers = header->e_phoff;
	image->header_count = header->e_phnum;
	return true;
}

const uint8_t *elf_bytes_at(const struct image *image, uint64_t virtual, uint64_t bytes)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];

		if (virtual >= s->virtual && is_inside(virtual - s->virtual, bytes, s->file_bytes))
			return image->bytes + s->file_offset + (virtual - s->virtual);
	}
	return NULL;
}

/* Other hypervisors want it physical: an image with a shim has it so (abi/shim_image.h). */
static bool check_entry(struct image *image, uint64_t entry, struct image_error *error)
{
	if (image->shim_bytes != 0)
		entry -= SHIM_BODY_PHYSICAL;
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];

		if ((s->rights & IMAGE_EXECUTE) != 0 && entry >= s->virtual &&
			entry - s->virtual < s->file_bytes) {
			image->entry = entry;
			return true;
		}
	}
	return image_refuse(error, REMEDY_REBUILD, "its entry point is not in its text");
}

/* Whole pages that become read-only after relocation: [*start, *end); empty if there are none. */
static bool find_relro(const struct image *image, const Elf64_Phdr *relro, uint64_t *start,
	uint64_t *end, struct image_error *error)
{
	*start = *end = 0;
	if (relro->p_type == PT_NULL || relro->p_memsz == 0)
		return true;
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];
		uint64_t first = page_down(s->virtual),
			 last = page_up(s->virtual + s->memory_bytes);

		if ((s->rights & IMAGE_WRITE) == 0 || relro->p_vaddr < s->virtual ||
			!is_inside(relro->p_vaddr, relro->p_memsz, last))
			continue;
		*start = relro->p_vaddr == s->virtual ? first : relro->p_vaddr;
		*end = relro->p_vaddr + relro->p_memsz;
		if (*end == s->virtual + s->memory_bytes)
			*end = last;
		if (*start % PAGE_BYTES == 0 && *end % PAGE_BYTES == 0)
			return true;
		return image_refuse(error, REMEDY_REBUILD, "its relro segment does not fill pages");
	}
	return image_refuse(
		error, REMEDY_REBUILD, "its relro segment is not inside one writable segment");
}

static void add_region(
	struct image *image, uint64_t start, uint64_t end, unsigned rights, bool is_relro)
{
	if (start < end)
		image->regions[image->region_count++] =
			(struct image_region){ start, end - start, rights, is_relro };
}

/* Cuts segments into regions: a writable one may have relro in it, at most three parts. */
static bool make_regions(struct image *image, const Elf64_Phdr *relro, struct image_error *error)
{
	uint64_t start, end;

	if (!find_relro(image, relro, &start, &end, error))
		return false;
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];
		uint64_t first = page_down(s->virtual),
			 last = page_up(s->virtual + s->memory_bytes);

		if (start >= first && end <= last && start < end) {
			add_region(image, first, start, s->rights, false);
			add_region(image, start, end, IMAGE_READ, true);
			add_region(image, end, last, s->rights, false);
		} else {
			add_region(image, first, last, s->rights, false);
		}
	}
	return true;
}

/* What the dynamic section says about relocations. */
struct dynamic {
	uint64_t rela, rela_bytes, rela_entry, relr, relr_bytes, relr_entry;
};

static bool take_tag(struct dynamic *d, const Elf64_Dyn *tag, struct image_error *error)
{
	switch (tag->d_tag) {
	case DT_RELA:
		d->rela = tag->d_un.d_val;
		break;
	case DT_RELASZ:
		d->rela_bytes = tag->d_un.d_val;
		break;
	case DT_RELAENT:
		d->rela_entry = tag->d_un.d_val;
		break;
	case TAG_RELR:
		d->relr = tag->d_un.d_val;
		break;
	case TAG_RELR_BYTES:
		d->relr_bytes = tag->d_un.d_val;
		break;
	case TAG_RELR_ENTRY:
		d->relr_entry = tag->d_un.d_val;
		break;
	case DT_NEEDED:
		return image_refuse(
			error, REMEDY_BUILD, "is not a Diatom image (it wants shared libraries)");
	case DT_TEXTREL:
	case DT_REL:
	case DT_JMPREL:
		return image_refuse(error, REMEDY_REBUILD,
			"has relocations of a kind that an image must not have");
	default:
		break;
	}
	return true;
}

/* A table must not be among what relocations change: it lies in a read-only segment. */
static bool keep_table(const struct image *image, struct image_table *table, uint64_t virtual,
	uint64_t bytes, struct image_error *error)
{
	if (bytes == 0)
		return true;
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];

		if ((s->rights & IMAGE_WRITE) == 0 && virtual >= s->virtual &&
			is_inside(virtual - s->virtual, bytes, s->file_bytes)) {
			*table = (struct image_table){ virtual, bytes };
			return true;
		}
	}
	return image_refuse(
		error, REMEDY_REBUILD, "its relocation table is not in a read-only segment");
}

static bool read_dynamic(struct image *image, const Elf64_Phdr *header, struct image_error *error)
{
	struct dynamic d = { .rela_entry = sizeof(Elf64_Rela), .relr_entry = 8 };
	const uint8_t *at;

	if (header->p_type == PT_NULL)
		return true;
	at = elf_bytes_at(image, header->p_vaddr, header->p_filesz);
	if (at == NULL)
		return image_refuse(error, REMEDY_REBUILD, "its dynamic section is in no segment");
	for (uint64_t i = 0; i < header->p_filesz / sizeof(Elf64_Dyn); i++) {
		Elf64_Dyn tag;

		memcpy(&tag, at + i * sizeof(tag), sizeof(tag));
		if (tag.d_tag == DT_NULL)
			break;
		if (!take_tag(&d, &tag, error))
			return false;
	}
	if (d.rela_entry != sizeof(Elf64_Rela) || d.rela_bytes % sizeof(Elf64_Rela) != 0 ||
		d.relr_entry != 8 || d.relr_bytes % 8 != 0)
		return image_refuse(error, REMEDY_REBUILD, "its relocation table has odd sizes");
	return keep_table(image, &image->rela, d.rela, d.rela_bytes, error) &&
	       keep_table(image, &image->relr, d.relr, d.relr_bytes, error);
}

uint64_t elf_needed(const uint8_t *start, uint64_t have, uint64_t length)
{
	uint64_t needed = have;
	Elf64_Ehdr header;

	if (have < sizeof(header))
		return length;
	memcpy(&header, start, sizeof(header));
	if (!is_inside(header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr), have))
		return length;
	for (unsigned i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, start + header.e_phoff + i * sizeof(p), sizeof(p));
		if (!is_inside(p.p_offset, p.p_filesz, length))
			return length;
		if ((p.p_type != PT_LOAD || (p.p_flags & SHIM_SEGMENT) == 0) &&
			p.p_offset + p.p_filesz > needed)
			needed = p.p_offset + p.p_filesz;
	}
	return needed;
}

bool elf_decode(struct image *image, struct elf_parts *parts, struct image_error *error)
{
	Elf64_Ehdr header;

	memset(parts, 0, sizeof(*parts));
	if (!check_header(image, &header, error) ||
		!add_program_headers(image, parts, &header, error) ||
		!check_entry(image, header.e_entry, error) ||
		!make_regions(image, &parts->relro, error) ||
		!read_dynamic(image, &parts->dynamic, error))
		return false;
	if (parts->tls.p_type != PT_NULL &&
		elf_bytes_at(image, parts->tls.p_vaddr, parts->tls.p_filesz) == NULL)
		return image_refuse(
			error, REMEDY_REBUILD, "its thread-local segment is in no other segment");
	return true;
}
