/*
 * DIATOM_DIR(symbol, "path"): a folder whose files become read-only bytes of the image, with what a web
 * server wants to know of each: its media type, an entity tag, and its compressed variants.
 */
#ifndef DIATOM_HOST_BUILD_FOLDER_H
#define DIATOM_HOST_BUILD_FOLDER_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Writes the assembly that defines `symbol`, a struct folder (diatom/app.h), to `out`. False after an error
 * was printed; `asker` and `line` say where the folder was asked for.
 */
bool folder_write(
	FILE *out, const char *symbol, const char *path, const char *asker, unsigned line);

#endif
