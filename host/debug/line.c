/*
 * Line programs (DWARF 5, section 6.2): each unit's program is run until a row covers the offset.
 *
 *     row      address, file, line, column; it holds until the next row of its sequence
 *     sequence ascending addresses, from the first row to DW_LNE_end_sequence
 *
 * Only the row before the current one is kept. File names are read again when a row was found.
 */
#include <string.h>

#include "host/debug/debug.h"
#include "host/debug/line.h"
#include "host/debug/reader.h"

#define FORMATS_MAX 8

enum standard_opcode {
	LNS_COPY = 1,
	LNS_ADVANCE_PC,
	LNS_ADVANCE_LINE,
	LNS_SET_FILE,
	LNS_SET_COLUMN,
	LNS_NEGATE_STMT,
	LNS_SET_BASIC_BLOCK,
	LNS_CONST_ADD_PC,
	LNS_FIXED_ADVANCE_PC,
};
enum extended_opcode { LNE_END_SEQUENCE = 1, LNE_SET_ADDRESS = 2 };
enum content { LNCT_PATH = 1, LNCT_DIRECTORY = 2 };
enum form {
	FORM_DATA2 = 0x05,
	FORM_DATA4 = 0x06,
	FORM_DATA8 = 0x07,
	FORM_STRING = 0x08,
	FORM_BLOCK = 0x09,
	FORM_BLOCK1 = 0x0a,
	FORM_DATA1 = 0x0b,
	FORM_STRP = 0x0e,
	FORM_UDATA = 0x0f,
	FORM_DATA16 = 0x1e,
	FORM_LINE_STRP = 0x1f,
};

struct row {
	uint64_t address, file, line, column;
};

struct program {
	unsigned version, offset_bytes, address_bytes;
	uint8_t instruction_bytes, line_range, opcode_base;
	int8_t line_base;
	struct reader lengths; /* of the standard opcodes' arguments */
	struct reader files;   /* from the directory table on */
	struct reader code;
};

/* Reads a unit's header. False: skip the unit. */
static bool read_header(struct program *p, struct reader unit)
{
	struct reader rest;

	p->version = (unsigned)reader_number(&unit, 2);
	p->address_bytes = 8;
	if (p->version >= 5) {
		p->address_bytes = reader_byte(&unit);
		reader_skip(&unit, 1);
	}
	rest = reader_part(&unit, reader_number(&unit, p->offset_bytes));
	p->code = unit;
	p->instruction_bytes = reader_byte(&rest);
	if (p->version >= 4)
		reader_skip(&rest, 1);
	reader_skip(&rest, 1);
	p->line_base = (int8_t)reader_byte(&rest);
	p->line_range = reader_byte(&rest);
	p->opcode_base = reader_byte(&rest);
	p->lengths = reader_part(&rest, p->opcode_base > 0 ? p->opcode_base - 1u : 0);
	p->files = rest;
	return !unit.is_bad && !rest.is_bad && p->version >= 2 && p->version <= 5 &&
	       p->line_range != 0 && p->opcode_base != 0 && p->address_bytes == 8;
}

/* Running a program: the row being made, the one before it, and what is looked for. */
struct search {
	uint64_t offset, text;
	struct row now, before;
	uint64_t start; /* of the sequence */
	bool is_in_sequence, is_found;
};

static void begin_sequence(struct search *s)
{
	s->now = (struct row){ .file = 1, .line = 1 };
	s->is_in_sequence = false;
}

/* A row is complete: does the one before it cover the offset? */
static void emit(struct search *s)
{
	if (!s->is_in_sequence) {
		s->is_in_sequence = true;
		s->start = s->now.address;
	} else if (s->start >= s->text && s->before.address <= s->offset &&
		   s->offset < s->now.address) {
		s->is_found = true;
		return;
	}
	s->before = s->now;
}

static void run_extended(const struct program *p, struct search *s, struct reader *code)
{
	struct reader operands = reader_part(code, reader_uleb(code));
	uint8_t opcode = reader_byte(&operands);

	if (opcode == LNE_END_SEQUENCE) {
		emit(s);
		begin_sequence(s);
	} else if (opcode == LNE_SET_ADDRESS) {
		s->now.address = reader_number(&operands, p->address_bytes);
	}
}

static void run_special(const struct program *p, struct search *s, uint8_t opcode)
{
	unsigned adjusted = opcode - (unsigned)p->opcode_base;

	s->now.address += adjusted / p->line_range * (uint64_t)p->instruction_bytes;
	s->now.line += (uint64_t)(int64_t)p->line_base + adjusted % p->line_range;
	emit(s);
}

static void skip_arguments(const struct program *p, uint8_t opcode, struct reader *code)
{
	struct reader lengths = p->lengths;
	uint8_t count;

	reader_skip(&lengths, opcode - 1u);
	count = reader_byte(&lengths);
	while (count-- > 0)
		reader_uleb(code);
}

static void run_standard(
	const struct program *p, struct search *s, uint8_t opcode, struct reader *code)
{
	switch (opcode) {
	case LNS_COPY:
		emit(s);
		break;
	case LNS_ADVANCE_PC:
		s->now.address += reader_uleb(code) * p->instruction_bytes;
		break;
	case LNS_ADVANCE_LINE:
		s->now.line += (uint64_t)reader_sleb(code);
		break;
	case LNS_SET_FILE:
		s->now.file = reader_uleb(code);
		break;
	case LNS_SET_COLUMN:
		s->now.column = reader_uleb(code);
		break;
	case LNS_CONST_ADD_PC:
		s->now.address +=
			(255u - p->opcode_base) / p->line_range * (uint64_t)p->instruction_bytes;
		break;
	case LNS_FIXED_ADVANCE_PC:
		s->now.address += reader_number(code, 2);
		break;
	default: /* those that change nothing here, and any that a later DWARF adds */
		skip_arguments(p, opcode, code);
	}
}

static bool run(const struct program *p, struct search *s)
{
	struct reader code = p->code;

	begin_sequence(s);
	while (!reader_is_done(&code) && !s->is_found) {
		uint8_t opcode = reader_byte(&code);

		if (opcode >= p->opcode_base)
			run_special(p, s, opcode);
		else if (opcode == 0)
			run_extended(p, s, &code);
		else
			run_standard(p, s, opcode, &code);
	}
	return s->is_found;
}

/* --- names of files --- */

struct name {
	const char *path;
	uint64_t directory;
};

/* One field of an entry: a text, a number, or something else that is passed over. */
static void read_field(const struct debug *debug, const struct program *p, struct reader *r,
	uint64_t form, const char **text, uint64_t *number)
{
	*text = "";
	*number = 0;
	switch (form) {
	case FORM_STRING:
		*text = reader_text(r);
		break;
	case FORM_LINE_STRP:
		*text = reader_text_at(debug->line_names, reader_number(r, p->offset_bytes));
		break;
	case FORM_STRP:
		*text = reader_text_at(debug->names, reader_number(r, p->offset_bytes));
		break;
	case FORM_UDATA:
		*number = reader_uleb(r);
		break;
	case FORM_DATA1:
		*number = reader_number(r, 1);
		break;
	case FORM_DATA2:
		*number = reader_number(r, 2);
		break;
	case FORM_DATA4:
		*number = reader_number(r, 4);
		break;
	case FORM_DATA8:
		*number = reader_number(r, 8);
		break;
	case FORM_DATA16:
		reader_skip(r, 16);
		break;
	case FORM_BLOCK:
		reader_skip(r, reader_uleb(r));
		break;
	case FORM_BLOCK1:
		reader_skip(r, reader_number(r, 1));
		break;
	default:
		reader_fail(r);
	}
}

/* Walks a table of DWARF 5 to entry `wanted` and past its end. */
static struct name read_table(
	const struct debug *debug, const struct program *p, struct reader *r, uint64_t wanted)
{
	uint64_t content[FORMATS_MAX] = { 0 }, form[FORMATS_MAX] = { 0 }, count;
	unsigned formats = reader_byte(r);
	struct name found = { "", 0 };

	if (formats > FORMATS_MAX)
		reader_fail(r);
	for (unsigned i = 0; i < formats && !r->is_bad; i++) {
		content[i] = reader_uleb(r);
		form[i] = reader_uleb(r);
	}
	count = reader_uleb(r);
	/* An entry without fields has no bytes, and the count may be anything. */
	for (uint64_t i = 0; i < count && formats > 0 && !r->is_bad; i++) {
		for (unsigned j = 0; j < formats && !r->is_bad; j++) {
			const char *text;
			uint64_t number;

			read_field(debug, p, r, form[j], &text, &number);
			if (i == wanted && content[j] == LNCT_PATH)
				found.path = text;
			if (i == wanted && content[j] == LNCT_DIRECTORY)
				found.directory = number;
		}
	}
	return found;
}

static struct name name_v5(
	const struct debug *debug, const struct program *p, uint64_t file, const char **directory)
{
	struct reader files = p->files, directories = p->files;
	struct name name;

	read_table(debug, p, &files, UINT64_MAX);
	name = read_table(debug, p, &files, file);
	/* Directory 0 is where the compiler ran: its own names don't begin with it. */
	*directory =
		name.directory == 0 ? "" : read_table(debug, p, &directories, name.directory).path;
	return name;
}

/* Up to DWARF 4: lists that end with an empty text, numbered from 1. */
static struct name name_v4(const struct program *p, uint64_t file, const char **directory)
{
	struct reader files = p->files, directories = p->files;
	struct name name = { "", 0 };

	while (!files.is_bad && reader_text(&files)[0] != '\0')
		;
	for (uint64_t i = 1; i <= file && !files.is_bad; i++) {
		name.path = reader_text(&files);
		if (name.path[0] == '\0')
			break;
		name.directory = reader_uleb(&files);
		reader_uleb(&files);
		reader_uleb(&files);
	}
	*directory = "";
	for (uint64_t i = 1; i <= name.directory && !directories.is_bad; i++) {
		*directory = reader_text(&directories);
		if (*directory[0] == '\0')
			break;
	}
	return name;
}

/* Of a path that is too long its end is kept. */
static void fill_file(struct debug_line *line, const char *directory, const char *path)
{
	const char *slash = directory[0] != '\0' && path[0] != '/' ? "/" : "";
	size_t room = sizeof(line->file) - 1, length = strlen(path), before;

	if (slash[0] == '\0')
		directory = "";
	if (length >= room) {
		path += length - room;
		length = room;
		directory = slash = "";
	}
	before = strlen(directory) + strlen(slash);
	if (before + length > room)
		directory += before + length - room;
	reader_copy_text(line->file, sizeof(line->file), directory);
	before = strlen(line->file);
	reader_copy_text(line->file + before, sizeof(line->file) - before, slash);
	before = strlen(line->file);
	reader_copy_text(line->file + before, sizeof(line->file) - before, path);
}

bool debug_line_file(
	const struct debug *debug, uint64_t program, uint64_t file, struct debug_line *line)
{
	struct reader r = reader_from(debug->lines, program);
	struct program p;
	const char *directory;
	struct name name;

	if (!read_header(&p, reader_unit(&r, &p.offset_bytes)))
		return false;
	name = p.version >= 5 ? name_v5(debug, &p, file, &directory)
			      : name_v4(&p, file, &directory);
	fill_file(line, directory, name.path);
	return true;
}

bool debug_line_at(const struct debug *debug, uint64_t offset, struct debug_line *line)
{
	struct reader r = reader_of(debug->lines);
	struct search s = { .offset = offset, .text = debug->text };

	while (!reader_is_done(&r)) {
		uint64_t at = (uint64_t)(r.at - debug->lines.at);
		struct program p;

		if (!read_header(&p, reader_unit(&r, &p.offset_bytes)) || !run(&p, &s))
			continue;
		line->line = (unsigned)s.before.line;
		line->column = (unsigned)s.before.column;
		return debug_line_file(debug, at, s.before.file, line);
	}
	return false;
}
