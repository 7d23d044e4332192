/*
 * Why a body crashed, in a sentence: the access that failed and where it went, the check that failed,
 * or the words of whoever ended it.
 */
#ifndef DIATOM_HOST_CRASH_CAUSE_H
#define DIATOM_HOST_CRASH_CAUSE_H

#include "host/crash/report.h"
#include "host/crash/text.h"

#define CAUSE_PAGE_FAULT 14 /* vector */

/* `debug` NULL: there is none. */
void cause_put(struct text *text, const struct crash_report *report, const struct debug *debug);

/* Did memory end? */
bool cause_is_memory(const struct crash_report *report);

#endif
