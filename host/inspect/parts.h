/*
 * What an image is made of: a list that `diatom build` writes (host/build/account.c), out of what the
 * linker knows, into the section ".diatom.parts" of IMAGE.debug. `diatom inspect` reads it.
 *
 * Lines of fields parted by tabs, in the order of the linker's map:
 *
 *     diatom parts 1
 *     seed 7                                  of the layout
 *     compiler clang
 *     o lib/dns answer                        an object: its library, its name
 *     w dns_answer lib/dns serve              why it is linked: a symbol, and the object that names it
 *     t 289 glue                              a piece of it: kind, bytes, symbol or section
 *
 * Objects without a piece are not listed but as reasons. The reader treats the list as hostile.
 */
#ifndef DIATOM_HOST_INSPECT_PARTS_H
#define DIATOM_HOST_INSPECT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTS_SECTION ".diatom.parts"
#define PARTS_HEAD    "diatom parts 1"

/* Libraries that are no folder of ours. */
#define PARTS_APP    "app"    /* the program's own sources */
#define PARTS_FILES  "files"  /* DIATOM_FILE */
#define PARTS_LIBC   "musl"   /* the C library */
#define PARTS_LINKER "linker" /* what the linker makes: tables, jump tables, shared strings */

enum parts_kind {
	PARTS_TEXT,
	PARTS_RODATA,
	PARTS_DATA,
	PARTS_BSS, /* memory only, nothing in the file */
	PARTS_KINDS,
};

#define PARTS_LETTERS	  "trdb" /* of the kinds, in the list */

#define PARTS_OBJECTS_MAX 4096
#define PARTS_PIECES_MAX  65536

struct parts_piece {
	const char *name;
	uint64_t bytes;
	enum parts_kind kind;
	unsigned object;
};

struct parts_object {
	const char *library, *name;
	const char *why_symbol;		    /* NULL: it was named on the linker's command line */
	const char *why_library, *why_name; /* the object that names the symbol */
	uint64_t bytes[PARTS_KINDS];
};

struct parts_library {
	const char *name;
	uint64_t bytes[PARTS_KINDS];
	uint64_t file_bytes;
	unsigned first_reason; /* the object that was wanted first from outside; UINT_MAX: none */
};

struct parts {
	char *text; /* the list, cut into strings; all names point into it */
	const char *seed, *compiler;
	struct parts_object *objects;
	unsigned object_count;
	struct parts_piece *pieces;
	unsigned piece_count;
	struct parts_library *libraries; /* the largest in the file first */
	unsigned library_count;
};

/* Copies and reads a list. False if it is malformed, or no byte counts: then nothing is kept. */
bool parts_read(struct parts *parts, const char *text, size_t length);
void parts_free(struct parts *parts);

/* Bytes of a library or object in the file. */
uint64_t parts_file_bytes(const uint64_t bytes[PARTS_KINDS]);

#endif
