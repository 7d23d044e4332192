/*
 * The symbol table is not sorted: each search reads all of it.
 */
#include <elf.h>
#include <string.h>

#include "host/debug/debug.h"
#include "host/debug/reader.h"

static const char *name_of(const struct debug *debug, const Elf64_Sym *symbol)
{
	return reader_text_at(debug->symbol_names, symbol->st_name);
}

/* Code that has a name: assembly may have left the type out. */
static bool is_code(const struct debug *debug, const Elf64_Sym *symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_NOTYPE) && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_shndx != SHN_ABS && symbol->st_value >= debug->text &&
	       symbol->st_value < debug->text_end;
}

/* Cuts off what the compiler added (".llvm.123", ".cfi", ".constprop.0"): C has no dots in names. */
static void trim_name(char *name)
{
	char *suffix = strchr(name, '.');

	if (suffix != NULL && suffix != name)
		*suffix = '\0';
}

static void fill(const struct debug *debug, const Elf64_Sym *from, struct debug_symbol *symbol)
{
	reader_copy_text(symbol->name, sizeof(symbol->name), name_of(debug, from));
	trim_name(symbol->name);
	symbol->start = from->st_value;
	symbol->bytes = from->st_size;
	symbol->is_function = is_code(debug, from);
}

static bool next_symbol(struct reader *r, Elf64_Sym *symbol)
{
	struct reader one = reader_part(r, sizeof(*symbol));

	if (one.is_bad)
		return false;
	memcpy(symbol, one.at, sizeof(*symbol));
	return true;
}

/* Of several names at one address, a function's with a size is the best. */
static bool is_better(const Elf64_Sym *a, const Elf64_Sym *than)
{
	if (a->st_value != than->st_value)
		return a->st_value > than->st_value;
	if (ELF64_ST_TYPE(a->st_info) != ELF64_ST_TYPE(than->st_info))
		return ELF64_ST_TYPE(a->st_info) == STT_FUNC;
	return a->st_size > than->st_size;
}

bool debug_function_at(const struct debug *debug, uint64_t offset, struct debug_symbol *symbol)
{
	struct reader r = reader_of(debug->symbols);
	Elf64_Sym one, best = { 0 };
	bool is_found = false;

	while (next_symbol(&r, &one)) {
		if (!is_code(debug, &one) || one.st_value > offset ||
			(is_found && !is_better(&one, &best)) || name_of(debug, &one)[0] == '\0')
			continue;
		best = one;
		is_found = true;
	}
	if (!is_found || offset >= debug->text_end ||
		(best.st_size != 0 && offset - best.st_value >= best.st_size))
		return false;
	fill(debug, &best, symbol);
	return true;
}

bool debug_symbol_find(const struct debug *debug, const char *name, struct debug_symbol *symbol)
{
	struct reader r = reader_of(debug->symbols);
	struct debug_symbol candidate;
	bool is_found = false;
	Elf64_Sym one;

	while (next_symbol(&r, &one)) {
		unsigned type = ELF64_ST_TYPE(one.st_info);

		if (one.st_shndx == SHN_UNDEF || type > STT_FUNC)
			continue;
		fill(debug, &one, &candidate);
		if (strcmp(candidate.name, name) != 0 || (is_found && !candidate.is_function))
			continue;
		*symbol = candidate;
		is_found = true;
		/* A jump-table entry of control-flow integrity has the name, too: the body is larger. */
		if (candidate.is_function && candidate.bytes > 8)
			return true;
	}
	return is_found;
}

bool debug_counter_help(const struct debug *debug, uint64_t offset, char *text, size_t room)
{
	struct reader r = reader_of(debug->help);

	while (!reader_is_done(&r)) {
		uint64_t of = reader_number(&r, 8);
		const char *help = reader_text(&r);

		if (!r.is_bad && of == offset) {
			reader_copy_text(text, room, help);
			return true;
		}
	}
	return false;
}
