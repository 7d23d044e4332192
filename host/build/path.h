/*
 * Paths that don't depend on where a build runs: compilers are started in the folder of the first
 * source and see every other file relative to it, so the same sources give the same bytes anywhere.
 */
#ifndef DIATOM_HOST_BUILD_PATH_H
#define DIATOM_HOST_BUILD_PATH_H

#include <limits.h>
#include <stdbool.h>

/* The real path of the folder that a file is in. False with errno if there is none. */
bool path_folder(const char *file, char folder[PATH_MAX]);

/* The path of an existing file as seen from `folder` (a real path). False with errno. */
bool path_seen_from(const char *folder, const char *file, char seen[PATH_MAX]);

#endif
