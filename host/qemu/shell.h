/*
 * A command as a person would type it.
 */
#ifndef DIATOM_QEMU_SHELL_H
#define DIATOM_QEMU_SHELL_H

#include "host/build/command.h"

/* Prints the command to standard output, quoted for a POSIX shell, an option a line. False if it can't
 * be written. */
bool shell_print(const struct command *command);

#endif
