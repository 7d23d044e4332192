/*
 * The sections of a debug file, by their names.
 *
 * A linker leaves records of code that it dropped: they claim to begin at 0, where no code is. So
 * what begins outside the text is passed over everywhere.
 */
#include "host/debug/debug.h"

#include <elf.h>
#include <string.h>

#include "host/debug/reader.h"

#define SECTIONS_MAX 4096

static bool bytes_at(
	const struct debug_bytes *file, uint64_t offset, uint64_t length, struct debug_bytes *found)
{
	if (offset > file->length || length > file->length - offset)
		return false;
	*found = (struct debug_bytes){ file->at + offset, length };
	return true;
}

static const char *check_header(const struct debug_bytes *file, Elf64_Ehdr *header)
{
	if (file->length < sizeof(*header) || memcmp(file->at, ELFMAG, SELFMAG) != 0)
		return "it is no ELF file";
	memcpy(header, file->at, sizeof(*header));
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
		header->e_machine != EM_X86_64)
		return "it is not for x86-64";
	if (header->e_shoff == 0 || header->e_shnum == 0)
		return "it has no sections: it is a stripped image";
	if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum > SECTIONS_MAX ||
		header->e_shstrndx >= header->e_shnum)
		return "its section headers are malformed";
	return NULL;
}

static Elf64_Shdr section_at(const struct debug_bytes *table, unsigned i)
{
	Elf64_Shdr section;

	memcpy(&section, table->at + i * sizeof(section), sizeof(section));
	return section;
}

static void take_notes(struct debug *debug, struct debug_bytes notes)
{
	struct reader r = reader_of(notes);

	while (!reader_is_done(&r)) {
		uint64_t owner_bytes = reader_number(&r, 4), bytes = reader_number(&r, 4);
		uint64_t type = reader_number(&r, 4);
		struct reader owner = reader_part(&r, (owner_bytes + 3) & ~UINT64_C(3));
		struct reader id = reader_part(&r, (bytes + 3) & ~UINT64_C(3));

		if (r.is_bad || type != NT_GNU_BUILD_ID || owner_bytes != 4 ||
			memcmp(owner.at, "GNU", 4) != 0 || bytes > DEBUG_BUILD_ID_MAX)
			continue;
		memcpy(debug->build_id, id.at, bytes);
		debug->build_id_bytes = (unsigned)bytes;
	}
}

static void take_section(struct debug *debug, const struct debug_bytes *file, const char *name,
	const Elf64_Shdr *section)
{
	const struct {
		const char *name;
		struct debug_bytes *bytes;
	} rows[] = {
		{ ".symtab", &debug->symbols },
		{ ".strtab", &debug->symbol_names },
		{ ".debug_line", &debug->lines },
		{ ".debug_line_str", &debug->line_names },
		{ ".debug_str", &debug->names },
		{ ".debug_frame", &debug->frames },
		{ ".debug_info", &debug->units },
		{ ".debug_abbrev", &debug->shapes },
		{ ".debug_addr", &debug->addresses },
		{ ".debug_str_offsets", &debug->name_offsets },
		{ ".debug_rnglists", &debug->ranges },
		{ ".diatom.parts", &debug->parts },
		{ ".diatom.help", &debug->help },
	};
	struct debug_bytes notes;

	if (section->sh_type == SHT_NOBITS || (section->sh_flags & SHF_COMPRESSED) != 0)
		return;
	if (section->sh_type == SHT_NOTE &&
		bytes_at(file, section->sh_offset, section->sh_size, &notes))
		take_notes(debug, notes);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(name, rows[i].name) == 0)
			bytes_at(file, section->sh_offset, section->sh_size, rows[i].bytes);
}

/* The span of the executable segments. */
static void find_text(struct debug *debug, const struct debug_bytes *file, const Elf64_Ehdr *header)
{
	struct debug_bytes table;

	debug->text = UINT64_MAX;
	if (header->e_phentsize != sizeof(Elf64_Phdr) ||
		!bytes_at(file, header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr), &table))
		return;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, table.at + i * sizeof(segment), sizeof(segment));
		if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0 ||
			segment.p_vaddr + segment.p_memsz < segment.p_vaddr)
			continue;
		if (segment.p_vaddr < debug->text)
			debug->text = segment.p_vaddr;
		if (segment.p_vaddr + segment.p_memsz > debug->text_end)
			debug->text_end = segment.p_vaddr + segment.p_memsz;
	}
}

/* A section that is missing has no bytes, but a place nevertheless: pointers are never NULL. */
static void begin(struct debug *debug, const uint8_t *bytes)
{
	const struct debug_bytes none = { bytes, 0 };

	*debug = (struct debug){ .symbols = none,
		.symbol_names = none,
		.lines = none,
		.line_names = none,
		.names = none,
		.frames = none,
		.units = none,
		.shapes = none,
		.addresses = none,
		.name_offsets = none,
		.ranges = none };
}

bool debug_decode(struct debug *debug, const uint8_t *bytes, uint64_t length, const char **why)
{
	struct debug_bytes file = { bytes, length }, table, names = { 0 };
	Elf64_Ehdr header;
	Elf64_Shdr section;

	begin(debug, bytes);
	*why = check_header(&file, &header);
	if (*why != NULL)
		return false;
	*why = "it is cut off";
	if (!bytes_at(&file, header.e_shoff, header.e_shnum * sizeof(section), &table))
		return false;
	section = section_at(&table, header.e_shstrndx);
	if (!bytes_at(&file, section.sh_offset, section.sh_size, &names))
		return false;
	find_text(debug, &file, &header);
	for (unsigned i = 1; i < header.e_shnum; i++) {
		section = section_at(&table, i);
		take_section(debug, &file, reader_text_at(names, section.sh_name), &section);
	}
	*why = NULL;
	return true;
}

bool debug_is_of(const struct debug *debug, const uint8_t *build_id, unsigned build_id_bytes)
{
	return build_id_bytes != 0 && debug->build_id_bytes == build_id_bytes &&
	       memcmp(debug->build_id, build_id, build_id_bytes) == 0;
}
