/*
 * `diatom trace`: runs an image as `diatom run` does and writes a timeline of what it does.
 */
#ifndef DIATOM_HOST_OBSERVE_TRACE_H
#define DIATOM_HOST_OBSERVE_TRACE_H

/* The arguments after "trace". Returns the process's exit code: the run's, unless a file can't be
 * written. */
int trace_command(int argc, char **argv);

#endif
