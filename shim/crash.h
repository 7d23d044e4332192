/*
 * The end of a body that did what it must not: a report as host/crash/report.h draws it, and exit code
 * 123 (122 when it ran out of memory).
 */
#ifndef DIATOM_SHIM_CRASH_H
#define DIATOM_SHIM_CRASH_H

#include "abi/shim_state.h"

/* At SHIM_STATE_AT. A platform call that is a crash has set why. */
extern struct shim_state shim_state;

_Noreturn void crash_exception(const struct shim_frame *frame);

#endif
