/*
 * The kernel command line: what the shim is told, in the words of abi/shim.h.
 */
#ifndef DIATOM_QEMU_LINE_H
#define DIATOM_QEMU_LINE_H

#include <stddef.h>

#include "host/run.h"

/*
 * Writes the line, NUL-ended, into `text`. Whatever bytes names and arguments hold, each comes out as
 * itself at the other end. 0, or the exit code after having said that the arguments are too long.
 */
int line_write(const struct run_config *config, char *text, size_t room);

#endif
