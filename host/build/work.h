/*
 * The state of one build: what was asked for, where the parts are, and a folder for what lies
 * between sources and image. The folder's file names are the same in every build.
 *
 *     0.o 1.o ...    the sources' objects      files.S files.o   DIATOM_FILE's bytes
 *     about.o        name and version          image             the linked file
 *     map why        what the linker knows about it
 */
#ifndef DIATOM_HOST_BUILD_WORK_H
#define DIATOM_HOST_BUILD_WORK_H

#include <stdint.h>

#include "host/build/request.h"
#include "host/build/toolchain.h"

struct work {
	const struct request *request;
	struct toolchain toolchain;
	char root[PATH_MAX];  /* the folder of the first source */
	char folder[64];      /* temporary */
	uint64_t seed;	      /* as asked for, or chosen */
	uint32_t layout_seed; /* the linker's: neither 0 nor 0xffffffff */
	bool has_files;	      /* files.o is there */
	bool has_about;	      /* about.o is there */
};

/* Makes the folder. False after an error was printed; else work_end removes it. */
bool work_begin(struct work *work, const struct request *request);
void work_end(struct work *work);

/* Compiles every source: I.o and I.d in the folder. False when the compiler said why. */
bool compile_sources(struct work *work);

/* Compiles the note that --name and --version ask for, if they do. */
bool compile_about(struct work *work);

/* Gathers the files that the sources embed with DIATOM_FILE, and assembles them. */
bool files_embed(struct work *work);

/* Links `image` in the folder. */
bool link_image(struct work *work);

/* Checks the linked file, and writes IMAGE.debug and IMAGE. */
bool seal_image(struct work *work);

#endif
