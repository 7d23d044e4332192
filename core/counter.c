/*
 * Counters: the linker puts every COUNTER of the image into one section and names its ends. An
 * image without a counter has no such section, and both names are NULL.
 */
#include "diatom/counter.h"

#include <string.h>

#include "abi/inside.h"
#include "diatom/log.h"

extern struct counter __start_diatom_counters[] __attribute__((weak, visibility("hidden")));
extern struct counter __stop_diatom_counters[] __attribute__((weak, visibility("hidden")));

_Static_assert(sizeof(struct counter) == 32, "COUNTER aligns to 32: the section is an array");
_Static_assert(sizeof(struct counter) == sizeof(struct inside_counter), "the same, for the host");

size_t counter_all(const struct counter **first)
{
	*first = __start_diatom_counters;
	return ((uintptr_t)__stop_diatom_counters - (uintptr_t)__start_diatom_counters) /
	       sizeof(struct counter);
}

uint64_t counter_value(const char *name)
{
	const struct counter *counters;
	size_t n = counter_all(&counters);

	for (size_t i = 0; i < n; i++)
		if (strcmp(counters[i].name, name) == 0)
			return counters[i].value;
	return 0;
}

void counter_log(void)
{
	const struct counter *counters;
	size_t n = counter_all(&counters);

	for (size_t i = 0; i < n; i++)
		if (counters[i].value)
			log_info("counter", "%s: %llu (%s)", counters[i].name,
				(unsigned long long)counters[i].value, counters[i].help);
}
