/*
 * Finding and reading an image's debug file.
 *
 * It is IMAGE.debug, beside the image; else, where the environment names a folder in
 * DIATOM_DEBUG_DIR, the file of that folder that is named after the image's build id, as gdb and
 * debuginfod have it: DIR/.build-id/ab/cdef....debug, or DIR/ab/cdef....debug.
 *
 * Two ways to use it. A tool reads it at once: debug_file_load. A run, which must start quickly and
 * may not open files once it is jailed, holds the open descriptor and a reservation of memory, and
 * reads it only after a crash: debug_file_open, debug_file_read.
 */
#ifndef DIATOM_HOST_DEBUG_FILE_H
#define DIATOM_HOST_DEBUG_FILE_H

#include "host/debug/debug.h"

struct image;

struct debug_file {
	int fd; /* -1: there is none */
	uint8_t *bytes;
	uint64_t length;   /* of the file, as far as it was read */
	uint64_t reserved; /* bytes of memory at `bytes` */
	struct debug debug;
	char why[160]; /* why it was not used, in words; empty: it was, or there is none */
};

/* Opens it if there is one: one system call when there is none, three when there is. */
void debug_file_open(struct debug_file *file, const struct image *image, const char *image_path);

/* Reads and decodes it, and checks that it is the image's. Makes pread calls on fd and no others.
 * False: file->why, or fd is -1. */
bool debug_file_read(struct debug_file *file, const struct image *image);

/* Both. The caller calls debug_file_close in any case. */
bool debug_file_load(struct debug_file *file, const struct image *image, const char *image_path);

void debug_file_close(struct debug_file *file);

#endif
