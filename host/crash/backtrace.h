/*
 * Who called whom: from the place of the crash to main or the fiber's start.
 *
 * With a debug file, by its unwind information; where that ends (code that has none, a damaged stack),
 * and where there is no debug file, by what stands on the stack and looks like a return address: then
 * a frame is marked "likely".
 */
#ifndef DIATOM_HOST_CRASH_BACKTRACE_H
#define DIATOM_HOST_CRASH_BACKTRACE_H

#include "host/crash/report.h"
#include "host/crash/text.h"

/* A line or more for each frame. `debug` NULL: there is none. */
void backtrace_put(struct text *text, const struct crash_report *report, const struct debug *debug);

/* One frame's line(s): its number, its place, function and line. For `diatom symbolize`, too. */
void backtrace_put_frame(struct text *text, const struct debug *debug, unsigned number,
	uint64_t offset, bool is_call, bool is_likely);

#endif
