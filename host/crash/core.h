/*
 * Core files: a dead body for gdb, in the form that Linux gives to those of its processes.
 *
 *     gdb IMAGE.debug CORE
 *
 *     | ELF header | segments | notes | pages |
 *
 *     notes     a thread for each fiber, the one that crashed first (LWP 1 is main, i + 2 the fiber on
 *               stack i); where the image was loaded (AT_PHDR, AT_ENTRY)
 *     pages     image, stacks, heap, boot info. Pages of zeros are left out of the file; the image's
 *               first page, which is there, has its build id.
 *
 * It holds all that the body held, secrets too: the file is readable by its owner only.
 */
#ifndef DIATOM_HOST_CRASH_CORE_H
#define DIATOM_HOST_CRASH_CORE_H

#include "host/crash/report.h"

struct core_file {
	const char *path;
	int fd; /* for writing, empty */
};

/* Writes it and says so on standard error, or why not. Makes write calls, on fd, and no others. */
void core_write(const struct core_file *file, const struct crash_report *report);

#endif
