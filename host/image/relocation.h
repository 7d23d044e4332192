/*
 * Relocations: the two kinds that a static-PIE image has, as iterators over their tables.
 *
 *     RELA  | offset | type, symbol | addend |      word at offset := base + addend
 *     RELR  | address (even) | bitmap (odd) ...     word += base: at the address, and at each of the
 *                                                   next 63 words whose bit is set
 */
#ifndef DIATOM_HOST_IMAGE_RELOCATION_H
#define DIATOM_HOST_IMAGE_RELOCATION_H

#include "host/image/image.h"

/* Are all relocations of a known kind, and all words that they change in writable segments? */
bool relocation_check(const struct image *image, struct image_error *error);

/* Changes the loaded copy. Only after relocation_check said yes to the same bytes. */
void relocation_apply(const struct image *image, uint8_t *loaded, uint64_t virtual_base);

#endif
