/*
 * Names of system calls, for the report on one that is not allowed.
 */
#ifndef DIATOM_HOST_PROCESS_NAMES_H
#define DIATOM_HOST_PROCESS_NAMES_H

/* "execve"; "no known call" for a number that Linux did not have when this was written. */
const char *process_call_name(unsigned number);

#endif
