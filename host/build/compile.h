/*
 * A compiler's command line, started: see compile.c.
 */
#ifndef DIATOM_HOST_BUILD_COMPILE_H
#define DIATOM_HOST_BUILD_COMPILE_H

#include "host/build/work.h"

/* All but the source and what is to become of it. False after an error was printed. */
bool compile_begin(struct work *work, struct command *command);

#endif
