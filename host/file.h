/*
 * Whole files into memory.
 */
#ifndef DIATOM_HOST_FILE_H
#define DIATOM_HOST_FILE_H

#include <stdint.h>

/* Reads until the end or until `most` bytes are there; how many there were, or -1 with errno. */
int64_t file_read(int fd, uint8_t *to, uint64_t most);

#endif
