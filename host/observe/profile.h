/*
 * `diatom profile`: runs an image as `diatom run` does and says where its time went.
 */
#ifndef DIATOM_HOST_OBSERVE_PROFILE_H
#define DIATOM_HOST_OBSERVE_PROFILE_H

/* The arguments after "profile". Returns the process's exit code: the run's, unless a file can't be
 * written. */
int profile_command(int argc, char **argv);

#endif
