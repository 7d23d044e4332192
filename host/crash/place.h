/*
 * Where an address of the body lies, in words.
 */
#ifndef DIATOM_HOST_CRASH_PLACE_H
#define DIATOM_HOST_CRASH_PLACE_H

#include <stdbool.h>

#include "host/body/body.h"
#include "host/crash/text.h"

struct place {
	const char *name;
	bool is_image, is_text, is_guard, has_index;
	uint64_t index; /* of the fiber stack */
};

struct place place_of(const struct body *body, uint64_t address);

/* "fiber stack 3" */
void place_put(struct text *text, const struct place *place);

/* Where boot info is for the body. */
uint64_t place_boot_info(const struct boot_info *boot);

/* Is it in the image's code? */
bool place_is_text(const struct body *body, uint64_t address);

#endif
