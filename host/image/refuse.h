/*
 * Saying no to an image file: every check of the decoder ends in one of these.
 */
#ifndef DIATOM_HOST_IMAGE_REFUSE_H
#define DIATOM_HOST_IMAGE_REFUSE_H

#include "host/image/image.h"

#define REMEDY_BUILD   "build one:  diatom build main.c -o IMAGE"
#define REMEDY_REBUILD "the file is damaged; build it again:  diatom build main.c -o IMAGE"
#define REMEDY_MANIFEST                                                                            \
	"put right what the program declares (diatom/app.h, diatom/net.h) and build it again"

/* Fills in the error, with EXIT_REFUSED. `remedy` must outlive the error. */
__attribute__((format(printf, 3, 4))) void image_error_set(
	struct image_error *error, const char *remedy, const char *format, ...);

/* The same; always false. A macro, so that analysers see that it is. */
#define image_refuse(error, remedy, ...) (image_error_set(error, remedy, __VA_ARGS__), false)

#endif
