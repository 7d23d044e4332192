/*
 * For the other files of this folder: names of files by their number.
 */
#ifndef DIATOM_HOST_DEBUG_LINE_H
#define DIATOM_HOST_DEBUG_LINE_H

#include "host/debug/debug.h"

/* Fills in line->file by the number that the line program at that offset of .debug_line gives it. */
bool debug_line_file(
	const struct debug *debug, uint64_t program, uint64_t file, struct debug_line *line);

#endif
