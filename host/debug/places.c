/*
 * A function's entry has those of the calls that were inlined into it below it, nested as the calls
 * are. All that cover the offset form a chain, from the function down to the innermost:
 *
 *     function f            name f                   the symbol table's name, where there is no entry
 *       inlined g           name g, called at f.c:12
 *         inlined h         name h, called at g.h:3
 *     the offset's line     h.h:7
 *
 *     places: h at h.h:7, g at g.h:3, f at f.c:12
 */
#include <string.h>

#include "host/debug/debug.h"
#include "host/debug/line.h"
#include "host/debug/unit.h"

#define NAME_HOPS_MAX	4
#define UNITS_MAX	20000
#define UNITS_TRIED_MAX 16 /* one has the function, unless the file is hostile */

struct link {
	const char *name;
	uint64_t origin;
	uint64_t call_file, call_line, call_column;
};

struct chain {
	struct link links[DEBUG_PLACES_MAX];
	unsigned count;
};

/* The entry that a reference leads to may lead on: a declaration, a function of another unit. */
static const char *name_of(const struct debug *debug, const struct link *link)
{
	const char *name = link->name;
	uint64_t origin = link->origin;

	for (unsigned i = 0; i < NAME_HOPS_MAX && name[0] == '\0' && origin != UINT64_MAX; i++) {
		struct unit unit;
		struct entry entry;
		struct reader r;

		if (!unit_of(debug, origin, &unit))
			break;
		r = unit_reader(&unit, origin);
		if (!unit_entry(&unit, &r, &entry))
			break;
		name = entry.name;
		origin = entry.origin;
	}
	return name;
}

/* Collects the chain if the function is this unit's. */
static bool find_in_unit(const struct unit *unit, uint64_t offset, struct chain *chain)
{
	struct reader r = unit_reader(unit, unit->first);
	unsigned depth = 0, function_depth = 0;
	struct entry entry;

	chain->count = 0;
	while (!reader_is_done(&r) && unit_entry(unit, &r, &entry)) {
		bool is_function = entry.tag == TAG_FUNCTION;

		if (entry.tag == TAG_NONE) {
			if (depth-- <= 1)
				break;
			if (chain->count > 0 && depth <= function_depth)
				break;
			continue;
		}
		if ((is_function || (entry.tag == TAG_INLINED && chain->count > 0)) &&
			chain->count < DEBUG_PLACES_MAX &&
			unit_entry_covers(unit, &entry, offset)) {
			if (is_function) {
				chain->count = 0;
				function_depth = depth;
			}
			chain->links[chain->count++] = (struct link){ entry.name, entry.origin,
				entry.call_file, entry.call_line, entry.call_column };
			if (is_function && !entry.has_children)
				break;
		}
		depth += entry.has_children ? 1 : 0;
	}
	return chain->count > 0;
}

static void set_call_line(
	const struct unit *unit, const struct link *link, struct debug_place *place)
{
	if (unit->lines == UINT64_MAX ||
		!debug_line_file(unit->debug, unit->lines, link->call_file, &place->line))
		return;
	place->line.line = (unsigned)link->call_line;
	place->line.column = (unsigned)link->call_column;
}

/* From the chain, which is outermost first, to places, innermost first. */
static unsigned fill(const struct unit *unit, const struct chain *chain, uint64_t offset,
	struct debug_place *places, unsigned most)
{
	unsigned count = chain->count < most ? chain->count : most;

	memset(places, 0, count * sizeof(places[0]));
	for (unsigned i = 0; i < count; i++) {
		const struct link *link = &chain->links[chain->count - 1 - i];

		reader_copy_text(
			places[i].function, sizeof(places[i].function), name_of(unit->debug, link));
		places[i].is_inlined = i + 1 < chain->count;
		if (i == 0)
			debug_line_at(unit->debug, offset, &places[i].line);
		else
			set_call_line(unit, &chain->links[chain->count - i], &places[i]);
	}
	return count;
}

static unsigned fill_by_symbol(
	const struct debug *debug, uint64_t offset, struct debug_place *place)
{
	struct debug_symbol symbol;
	bool has_function = debug_function_at(debug, offset, &symbol), has_line;

	memset(place, 0, sizeof(*place));
	if (has_function)
		memcpy(place->function, symbol.name, sizeof(place->function));
	has_line = debug_line_at(debug, offset, &place->line);
	return has_function || has_line ? 1 : 0;
}

unsigned debug_places_at(
	const struct debug *debug, uint64_t offset, struct debug_place *places, unsigned most)
{
	unsigned tried = 0;
	uint64_t at = 0;

	if (most == 0 || offset < debug->text || offset >= debug->text_end)
		return 0;
	for (unsigned i = 0; i < UNITS_MAX && at < debug->units.length && tried < UNITS_TRIED_MAX;
		i++) {
		struct unit unit;
		struct chain chain;

		if (!unit_next(debug, &at, &unit) || !unit_covers(&unit, offset))
			continue;
		tried++;
		unit_index(&unit);
		if (find_in_unit(&unit, offset, &chain))
			return fill(&unit, &chain, offset, places, most);
	}
	return fill_by_symbol(debug, offset, places);
}
