/*
 * Reading the list: one pass that cuts lines and fields in place, one that adds up libraries. Counts
 * and sizes have limits, so sums don't overflow whatever the file says.
 */
#include "host/inspect/parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES_MAX (UINT64_C(1) << 32)
#define FIELDS_MAX	4
#define FAR		64 /* a chain of reasons that is not worth following */

uint64_t parts_file_bytes(const uint64_t bytes[PARTS_KINDS])
{
	return bytes[PARTS_TEXT] + bytes[PARTS_RODATA] + bytes[PARTS_DATA];
}

/* Names are shown as they are, so nothing in them may drive a terminal. */
static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* Cuts a line at its tabs; how many fields, 0 if too many or not printable. */
static unsigned cut(char *line, char *fields[FIELDS_MAX])
{
	unsigned count = 0;

	for (char *at = line; at != NULL; count++) {
		char *tab = strchr(at, '\t');

		if (count == FIELDS_MAX)
			return 0;
		if (tab)
			*tab = '\0';
		fields[count] = at;
		if (!is_printable(at))
			return 0;
		at = tab ? tab + 1 : NULL;
	}
	return count;
}

static bool add_object(struct parts *parts, char *fields[FIELDS_MAX])
{
	if (parts->object_count == PARTS_OBJECTS_MAX || !fields[1][0])
		return false;
	parts->objects[parts->object_count++] =
		(struct parts_object){ .library = fields[1], .name = fields[2] };
	return true;
}

static bool add_reason(struct parts *parts, char *fields[FIELDS_MAX])
{
	struct parts_object *object;

	if (parts->object_count == 0)
		return false;
	object = &parts->objects[parts->object_count - 1];
	object->why_symbol = fields[1];
	object->why_library = fields[2];
	object->why_name = fields[3];
	return true;
}

static bool add_piece(struct parts *parts, char *fields[FIELDS_MAX])
{
	const char *kind = strchr(PARTS_LETTERS, fields[0][0]);
	struct parts_piece *piece;
	unsigned long long bytes;
	char *end;

	bytes = strtoull(fields[1], &end, 10);
	if (!kind || fields[0][1] || fields[1][0] < '0' || fields[1][0] > '9' || *end ||
		bytes > PIECE_BYTES_MAX || parts->object_count == 0 ||
		parts->piece_count == PARTS_PIECES_MAX)
		return false;
	piece = &parts->pieces[parts->piece_count++];
	piece->kind = (enum parts_kind)(kind - PARTS_LETTERS);
	piece->bytes = bytes;
	piece->name = fields[2];
	piece->object = parts->object_count - 1;
	parts->objects[piece->object].bytes[piece->kind] += bytes;
	return true;
}

static bool take_line(struct parts *parts, char *line)
{
	char *fields[FIELDS_MAX];
	unsigned count = cut(line, fields);

	if (count == 2 && strcmp(fields[0], "seed") == 0)
		parts->seed = fields[1];
	else if (count == 2 && strcmp(fields[0], "compiler") == 0)
		parts->compiler = fields[1];
	else if (count == 3 && strcmp(fields[0], "o") == 0)
		return add_object(parts, fields);
	else if (count == 4 && strcmp(fields[0], "w") == 0)
		return add_reason(parts, fields);
	else
		return count == 3 && fields[0][0] && add_piece(parts, fields);
	return true;
}

static bool take_lines(struct parts *parts, char *at)
{
	char *end = strchr(at, '\n');

	if (!end || (*end = '\0', strcmp(at, PARTS_HEAD) != 0))
		return false;
	for (at = end + 1; *at; at = end + 1) {
		end = strchr(at, '\n');
		if (!end)
			return false;
		*end = '\0';
		if (!take_line(parts, at))
			return false;
	}
	return parts->piece_count > 0;
}

static const struct parts_object *find(
	const struct parts *parts, const char *library, const char *name)
{
	for (unsigned i = 0; i < parts->object_count; i++)
		if (strcmp(parts->objects[i].name, name) == 0 &&
			strcmp(parts->objects[i].library, library) == 0)
			return &parts->objects[i];
	return NULL;
}

/* How many reasons lead from the object to the program; a ring of them, which no linker makes, ends
 * too. */
static unsigned distance(const struct parts *parts, const struct parts_object *object)
{
	unsigned steps = 0;

	/* A call that the compiler made up says the least about why. */
	if (strcmp(object->why_library, PARTS_LINKER) == 0)
		return FAR;
	while (object && object->why_symbol && steps < FAR) {
		object = find(parts, object->why_library, object->why_name);
		steps++;
	}
	return steps;
}

static unsigned library_of(struct parts *parts, const char *name)
{
	unsigned i = 0;

	while (i < parts->library_count && strcmp(parts->libraries[i].name, name) != 0)
		i++;
	if (i == parts->library_count) {
		parts->libraries[i] =
			(struct parts_library){ .name = name, .first_reason = UINT_MAX };
		parts->library_count++;
	}
	return i;
}

static int by_size(const void *a, const void *b)
{
	const struct parts_library *one = a, *other = b;

	if (one->file_bytes != other->file_bytes)
		return one->file_bytes < other->file_bytes ? 1 : -1;
	return strcmp(one->name, other->name);
}

static void sum_up(struct parts *parts)
{
	unsigned nearest[PARTS_OBJECTS_MAX];

	parts->library_count = 0;
	for (unsigned i = 0; i < parts->object_count; i++) {
		const struct parts_object *object = &parts->objects[i];
		unsigned steps, number = library_of(parts, object->library);
		struct parts_library *library = &parts->libraries[number];

		for (unsigned kind = 0; kind < PARTS_KINDS; kind++)
			library->bytes[kind] += object->bytes[kind];
		library->file_bytes = parts_file_bytes(library->bytes);
		if (!object->why_symbol || strcmp(object->why_library, object->library) == 0)
			continue;
		steps = distance(parts, object);
		if (library->first_reason == UINT_MAX || steps < nearest[number]) {
			library->first_reason = i;
			nearest[number] = steps;
		}
	}
	qsort(parts->libraries, parts->library_count, sizeof(*parts->libraries), by_size);
}

bool parts_read(struct parts *parts, const char *text, size_t length)
{
	memset(parts, 0, sizeof(*parts));
	parts->text = malloc(length + 1);
	parts->objects = calloc(PARTS_OBJECTS_MAX, sizeof(*parts->objects));
	parts->pieces = calloc(PARTS_PIECES_MAX, sizeof(*parts->pieces));
	parts->libraries = calloc(PARTS_OBJECTS_MAX, sizeof(*parts->libraries));
	if (parts->text && parts->objects && parts->pieces && parts->libraries) {
		memcpy(parts->text, text, length);
		parts->text[length] = '\0';
		if (take_lines(parts, parts->text)) {
			sum_up(parts);
			return true;
		}
	}
	parts_free(parts);
	return false;
}

void parts_free(struct parts *parts)
{
	free(parts->text);
	free(parts->objects);
	free(parts->pieces);
	free(parts->libraries);
	memset(parts, 0, sizeof(*parts));
}
