/*
 * Counters of a run that has a name: copied out of the machine's memory, once a second, to where
 * `diatom stats` reads them (host/named/counters.h). A VM's and a process's own pages are there; QEMU's
 * memory is one file, which would outlive the run.
 */
#ifndef DIATOM_QEMU_MIRROR_H
#define DIATOM_QEMU_MIRROR_H

#include <stdint.h>

#include "host/image/image.h"
#include "host/qemu/memory.h"
#include "host/run.h"

struct mirror {
	const struct memory *memory;
	int data;	    /* -1: nothing is to be copied */
	uint64_t at, bytes; /* in the image */
	int64_t next_ns;    /* CLOCK_MONOTONIC */
};

/* Nothing is to be copied of a run without a name or an image without counters. */
void mirror_init(struct mirror *mirror, const struct memory *memory,
	const struct run_config *config, const struct image *image);

/* How long until the next copy; INT64_MAX: there is none. */
int64_t mirror_left_ns(const struct mirror *mirror, int64_t now_ns);

/* Copies, and says when to do it again. */
void mirror_copy(struct mirror *mirror, int64_t now_ns);

#endif
