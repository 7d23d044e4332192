/*
 * A measure is switched by a flag of its own, or is a word in the lists of -fsanitize= and
 * -fno-sanitize=.
 */
#include "host/build/harden.h"

#include <stdio.h>
#include <string.h>

#include "abi/hardening.h"

static const struct flag {
	const char *text;
	uint32_t on, off;
} flags[] = {
	{ "-fstack-protector-strong", HARDENING_STACK_PROTECTOR, 0 },
	{ "-fstack-protector-all", HARDENING_STACK_PROTECTOR, 0 },
	{ "-fstack-protector", 0,
		HARDENING_STACK_PROTECTOR }, /* only functions with large arrays */
	{ "-fno-stack-protector", 0, HARDENING_STACK_PROTECTOR },
	{ "-ftrivial-auto-var-init=zero", HARDENING_ZERO_INIT, 0 },
	{ "-ftrivial-auto-var-init=pattern", HARDENING_ZERO_INIT, 0 },
	{ "-ftrivial-auto-var-init=uninitialized", 0, HARDENING_ZERO_INIT },
	{ "-fwrapv", 0, HARDENING_OVERFLOW },
};

static const struct sanitizer {
	const char *word;
	uint32_t measures;
} sanitizers[] = {
	{ "cfi-icall", HARDENING_CFI },
	{ "cfi", HARDENING_CFI },
	{ "bounds", HARDENING_BOUNDS },
	{ "signed-integer-overflow", HARDENING_OVERFLOW },
	{ "shift", HARDENING_SHIFT },
	{ "undefined", HARDENING_BOUNDS | HARDENING_OVERFLOW | HARDENING_SHIFT },
	{ "all", HARDENING_CFI | HARDENING_BOUNDS | HARDENING_OVERFLOW | HARDENING_SHIFT },
};

/* The measures that a list of sanitizers names. */
static uint32_t named(const char *list)
{
	uint32_t found = 0;

	for (size_t length; *list; list += length + (list[length] == ',')) {
		length = strcspn(list, ",");
		for (size_t i = 0; i < sizeof(sanitizers) / sizeof(sanitizers[0]); i++)
			if (strlen(sanitizers[i].word) == length &&
				strncmp(sanitizers[i].word, list, length) == 0)
				found |= sanitizers[i].measures;
	}
	return found;
}

uint32_t harden_flag(uint32_t measures, const char *flag)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(flag, flags[i].text) == 0)
			return (measures | flags[i].on) & ~flags[i].off;
	if (strncmp(flag, "-fsanitize=", 11) == 0)
		return measures | named(flag + 11);
	if (strncmp(flag, "-fno-sanitize=", 14) == 0)
		return measures & ~named(flag + 14);
	return measures;
}

uint32_t harden_measures(const struct work *work)
{
	uint32_t measures = HARDENING_SHUFFLED;
	FILE *file = fopen(work->toolchain.cflags, "r");
	char flag[256];

	while (file && fscanf(file, "%255s", flag) == 1)
		measures = harden_flag(measures, flag);
	if (file)
		fclose(file);
	for (int i = 0; i < work->request->flag_count; i++)
		measures = harden_flag(measures, work->request->flags[i]);
	return measures;
}
