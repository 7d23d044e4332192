/*
 * A body as its host sees it from outside: memory read at virtual addresses, and what the image's
 * notes say is where in it (abi/inside.h).
 *
 * All of it may be the work of an attacker. What these functions return is well-formed: texts are
 * cut, printable and NUL-ended, walks end, and nothing outside the body's memory is read.
 */
#ifndef DIATOM_HOST_BODY_H
#define DIATOM_HOST_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/boot.h"
#include "abi/inside.h"

struct image;

struct body {
	const struct image *image;
	const struct boot_info *boot; /* the host's own copy */
	/* Reads the body's memory; false if it can't all be read. See host/monitor/crash.c for a VM,
	 * host/process/traps.c for a process. */
	bool (*read)(void *self, uint64_t address, void *to, size_t bytes);
	void *self;
};

/* The virtual address of an inside that has at least so many bytes; 0: the image has none. */
uint64_t body_inside(const struct body *body, const char *name, uint64_t least_bytes);

/* Copies a NUL-ended text of the body's, cut to fit, '?' for what is not printable. False: it can't be
 * read; the text is then empty. */
bool body_text(const struct body *body, uint64_t address, char *to, size_t room);

/* The log's last lines, oldest first, without newlines; returns how many. */
#define BODY_LINE_BYTES (INSIDE_LINE_BYTES + 1)
unsigned body_log(const struct body *body, char lines[INSIDE_LINES][BODY_LINE_BYTES]);

#endif
