#include <string.h>

#include "host/debug/debug.h"

unsigned debug_places_at(
	const struct debug *debug, uint64_t offset, struct debug_place *places, unsigned most)
{
	struct debug_symbol symbol;
	bool has_function = debug_function_at(debug, offset, &symbol), has_line;

	if (most == 0)
		return 0;
	memset(&places[0], 0, sizeof(places[0]));
	if (has_function)
		memcpy(places[0].function, symbol.name, sizeof(places[0].function));
	has_line = debug_line_at(debug, offset, &places[0].line);
	return has_function || has_line ? 1 : 0;
}
