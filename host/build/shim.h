/*
 * Putting the shim behind a linked body (abi/shim_image.h).
 */
#ifndef DIATOM_HOST_BUILD_SHIM_H
#define DIATOM_HOST_BUILD_SHIM_H

#include <stdbool.h>
#include <stdint.h>

#include "host/image/image.h"

/*
 * Makes an image file of a body's bytes and the shim in the file `path`: *file, *length, to be freed by
 * the caller. `body` is those bytes decoded. False after an error was printed.
 */
bool shim_append(const struct image *body, const char *path, uint8_t **file, uint64_t *length);

#endif
