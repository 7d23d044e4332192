/*
 * `diatom gdb`: an image and a gdb that is connected to it.
 */
#ifndef DIATOM_GDB_COMMAND_H
#define DIATOM_GDB_COMMAND_H

/* The arguments after that word. Returns only if gdb was not started, with the exit code, after having
 * said why; otherwise this process is gdb. */
int gdb_command(int argc, char **argv);

#endif
