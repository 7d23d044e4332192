/*
 * Giving up, for good, what a target does not need any more once the body starts.
 */
#ifndef DIATOM_HOST_PRIVILEGES_H
#define DIATOM_HOST_PRIVILEGES_H

#include <stdbool.h>

/* Closes every descriptor from 3 on that is not in the list, which gets sorted. 0 or a negative errno. */
int privileges_close_others(int *kept, unsigned count);

/*
 * Takes from the body what it may not read: the environment is overwritten, for it may hold secrets;
 * output that is a terminal becomes write-only, for terminals are open for reading too and what the
 * user types is not the body's. Without the console device, neither is standard input, which closes.
 */
void privileges_hide(bool has_input);

/*
 * User and group nobody if started as root, no capabilities, no way to gain any (no_new_privs), no
 * core file and no debugger unless `is_dumpable`. 0 or a negative errno; `*what` names the step that
 * failed.
 */
int privileges_drop(bool is_dumpable, const char **what);

#endif
