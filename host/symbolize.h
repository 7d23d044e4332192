/*
 * `diatom symbolize`: a crash report of a stripped image, explained afterwards by its debug file.
 */
#ifndef DIATOM_HOST_SYMBOLIZE_H
#define DIATOM_HOST_SYMBOLIZE_H

/* The words after the command's name. Returns the exit code. */
int symbolize_command(int argc, char **argv);

#endif
