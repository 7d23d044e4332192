/*
 * `diatom new NAME`: a folder with a small program of each kind, its Makefile and its test.
 */
#ifndef DIATOM_HOST_NEW_NEW_H
#define DIATOM_HOST_NEW_NEW_H

/* The words after "new". Returns the process's exit code: 0; 1 when the folder can't be made or is
 * there already; EXIT_USAGE. */
int new_command(int argc, char **argv);

#endif
