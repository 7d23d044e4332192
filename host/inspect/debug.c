/*
 * Every offset is compared by subtraction from the file's length before it is used.
 */
#include "host/inspect/debug.h"

#include <elf.h>
#include <string.h>

#include "host/image/note.h"

static bool is_inside(uint64_t start, uint64_t bytes, uint64_t length)
{
	return start <= length && bytes <= length - start;
}

static bool read_header(const uint8_t *file, uint64_t length, Elf64_Ehdr *header)
{
	if (length < sizeof(*header) || memcmp(file, ELFMAG, SELFMAG) != 0)
		return false;
	memcpy(header, file, sizeof(*header));
	return header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_shentsize == sizeof(Elf64_Shdr) && header->e_shstrndx < header->e_shnum &&
	       is_inside(header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr), length);
}

static Elf64_Shdr section_header(const uint8_t *file, const Elf64_Ehdr *header, unsigned i)
{
	Elf64_Shdr section;

	memcpy(&section, file + header->e_shoff + i * sizeof(section), sizeof(section));
	return section;
}

/* Does the NUL-ended name stand at that offset in the table of names? */
static bool is_named(const uint8_t *file, const Elf64_Shdr *names, uint32_t at, const char *name)
{
	size_t bytes = strlen(name) + 1;

	return is_inside(at, bytes, names->sh_size) &&
	       memcmp(file + names->sh_offset + at, name, bytes) == 0;
}

bool debug_section(
	const uint8_t *file, uint64_t length, const char *name, struct debug_section *section)
{
	Elf64_Ehdr header;
	Elf64_Shdr names;

	if (!read_header(file, length, &header))
		return false;
	names = section_header(file, &header, header.e_shstrndx);
	if (names.sh_type == SHT_NOBITS || !is_inside(names.sh_offset, names.sh_size, length))
		return false;
	for (unsigned i = 0; i < header.e_shnum; i++) {
		Elf64_Shdr s = section_header(file, &header, i);

		if (!is_named(file, &names, s.sh_name, name) || s.sh_type == SHT_NOBITS ||
			!is_inside(s.sh_offset, s.sh_size, length))
			continue;
		*section = (struct debug_section){ file + s.sh_offset, s.sh_size };
		return true;
	}
	return false;
}

bool debug_build_id(const uint8_t *file, uint64_t length, uint8_t id[BUILD_ID_BYTES])
{
	struct debug_section section;
	struct note note;

	if (!debug_section(file, length, ".note.gnu.build-id", &section) ||
		note_read(section.bytes, section.length, 4, &note) == 0 ||
		!note_is_of(&note, "GNU") || note.type != NT_GNU_BUILD_ID ||
		note.desc_bytes != BUILD_ID_BYTES)
		return false;
	memcpy(id, note.desc, BUILD_ID_BYTES);
	return true;
}
