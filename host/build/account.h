/*
 * An account of what an image is made of, from the linker's map and its list of extracted archive
 * members. The form of the list is in host/inspect/parts.h.
 */
#ifndef DIATOM_HOST_BUILD_ACCOUNT_H
#define DIATOM_HOST_BUILD_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "host/build/work.h"

/* The list, from `map` and `why` in the build's folder and the linked file; *length without its end's
 * NUL. NULL if the map can't be read. */
char *account_make(const struct work *work, const uint8_t *linked, size_t *length);

/* A copy of a linked file with one more section, which no segment loads. */
uint8_t *account_append(const uint8_t *linked, uint64_t bytes, const char *name, const char *data,
	size_t data_bytes, uint64_t *out_bytes);

#endif
