/*
 * The log of a detached run: all that it prints, in files of bounded size.
 *
 *     log.1   the older half, once there was more than fits one
 *     log     the newer
 */
#ifndef DIATOM_HOST_NAMED_LOG_H
#define DIATOM_HOST_NAMED_LOG_H

#include "host/named/place.h"

#define LOG_FILE_BYTES (4 * 1024 * 1024)

struct log {
	const struct place *place;
	int fd; /* -1: it can't be written; what comes is lost */
	size_t used;
};

void log_open(struct log *log, const struct place *place);

/* Appends; starts a new file when this one is full. */
void log_write(struct log *log, const char *text, size_t length);

/* Copies all of it to a descriptor. False: there is no log. */
bool log_copy(const struct place *place, int to);

/* The same to standard output, then goes on with what is added, until the run ended. */
bool log_follow(const struct place *place);

#endif
