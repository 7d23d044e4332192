/*
 * What the user asks `diatom build` for.
 */
#ifndef DIATOM_HOST_BUILD_REQUEST_H
#define DIATOM_HOST_BUILD_REQUEST_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define REQUEST_SOURCES_MAX 256
#define REQUEST_FLAGS_MAX   256

struct request {
	const char *sources[REQUEST_SOURCES_MAX]; /* as given; at least one */
	int source_count;
	const char *flags[REQUEST_FLAGS_MAX]; /* for the compiler: -I, -D, -O and the like */
	int flag_count;
	char output[PATH_MAX];
	const char *compiler; /* "clang" or "gcc" */
	const char *name;     /* NULL: as the source declares, else none */
	const char *version;  /* likewise */
	uint64_t seed;
	bool has_seed;
	bool is_verbose;
};

/* Reads the arguments. 0, or the exit code after the error (or the help) was printed: then *is_done. */
int request_parse(struct request *request, int argc, char **argv, bool *is_done);

#endif
