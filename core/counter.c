/*
 * Counters: the linker puts a record of every COUNTER of the image into one section and names its
 * ends. An image without a counter has no such section, and both names are NULL.
 */
#include "diatom/counter.h"

#include <string.h>

#include "abi/inside.h"
#include "diatom/log.h"

extern const struct inside_counter __start_diatom_counters[]
	__attribute__((weak, visibility("hidden")));
extern const struct inside_counter __stop_diatom_counters[]
	__attribute__((weak, visibility("hidden")));

bool counter_get(size_t index, const char **name, uint64_t *value)
{
	uintptr_t first = (uintptr_t)__start_diatom_counters;
	const struct inside_counter *c = &__start_diatom_counters[index];

	if (index >= ((uintptr_t)__stop_diatom_counters - first) / sizeof(*c))
		return false;
	*name = (const char *)&c->name + c->name;
	memcpy(value, (const char *)&c->value + c->value, sizeof(*value));
	return true;
}

uint64_t counter_value(const char *wanted)
{
	const char *name;
	uint64_t value;

	for (size_t i = 0; counter_get(i, &name, &value); i++)
		if (strcmp(name, wanted) == 0)
			return value;
	return 0;
}

void counter_log(void)
{
	const char *name;
	uint64_t value;

	for (size_t i = 0; counter_get(i, &name, &value); i++)
		if (value)
			log_info("counter", "%s: %llu", name, (unsigned long long)value);
}
