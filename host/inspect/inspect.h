/*
 * `diatom inspect IMAGE`: what an image asks for, what is in it and why, and what is weaker than it
 * should be. The image is not started.
 */
#ifndef DIATOM_HOST_INSPECT_INSPECT_H
#define DIATOM_HOST_INSPECT_INSPECT_H

/* The words after "inspect". Returns the process's exit code: 0; 1 with --strict and a warning, or
 * when a file can't be written; EXIT_USAGE; EXIT_REFUSED, no image. */
int inspect_command(int argc, char **argv);

#endif
