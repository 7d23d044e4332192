/*
 * Giving up, for good, what a target does not need any more once the body starts.
 */
#ifndef DIATOM_HOST_PRIVILEGES_H
#define DIATOM_HOST_PRIVILEGES_H

#include <stdbool.h>

/* Closes every descriptor from 3 on that is not in the list, which gets sorted. 0 or a negative errno. */
int privileges_close_others(int *kept, unsigned count);

/*
 * User and group nobody if started as root, no capabilities, no way to gain any (no_new_privs), no
 * core file and no debugger unless `is_dumpable`. 0 or a negative errno; `*what` names the step that
 * failed.
 */
int privileges_drop(bool is_dumpable, const char **what);

#endif
