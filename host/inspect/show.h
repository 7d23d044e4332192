/*
 * An inspection, shown. All write to a stream and leave its errors to the caller.
 */
#ifndef DIATOM_HOST_INSPECT_SHOW_H
#define DIATOM_HOST_INSPECT_SHOW_H

#include <stdio.h>

#include "host/inspect/inspection.h"

/* For people: tables of at most about 100 columns. */
void show_text(const struct inspection *inspection, FILE *out);

/* One JSON object (RFC 8259); keys in man/diatom-inspect.1. */
void show_json(const struct inspection *inspection, FILE *out);

/* A treemap of the file: one box a library, in it one an object, in it one a function. */
void show_svg(const struct inspection *inspection, FILE *out);

#endif
