/*
 * The manifest side of an image: notes of owner "Diatom", see abi/manifest.h.
 */
#ifndef DIATOM_HOST_IMAGE_MANIFEST_H
#define DIATOM_HOST_IMAGE_MANIFEST_H

#include "host/image/elf.h"
#include "host/image/image.h"

/* Copies every note into the image; checks each field, and that the ABI is ours. */
bool manifest_decode(struct image *image, const struct elf_parts *parts, struct image_error *error);

#endif
