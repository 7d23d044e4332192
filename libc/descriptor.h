/*
 * The descriptors that an image has: standard input, output and error, all of them the console.
 */
#ifndef DIATOM_LIBC_DESCRIPTOR_H
#define DIATOM_LIBC_DESCRIPTOR_H

#include <stdbool.h>

static inline bool descriptor_is_console(long fd)
{
	return fd >= 0 && fd <= 2;
}

static inline bool descriptor_is_output(long fd)
{
	return fd == 1 || fd == 2;
}

#endif
