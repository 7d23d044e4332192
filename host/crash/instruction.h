/*
 * Names the instruction behind a general protection fault or an invalid opcode, for crash reports.
 */
#ifndef DIATOM_HOST_CRASH_INSTRUCTION_H
#define DIATOM_HOST_CRASH_INSTRUCTION_H

#include <stddef.h>
#include <stdint.h>

#include "host/crash/report.h"

/* Says why the instruction at `code` may not run in ring 3, in at most `room` bytes of `text`: "port
 * 0x80 not granted"; or which check of the compiler's it is the end of. `dx` is the port of those that
 * have it there. An empty text: it is none of those. Reads at most `length` bytes. */
void instruction_describe(char *text, size_t room, const uint8_t *code, size_t length, uint16_t dx);

/* The same for the instruction at which a report's body stopped: becomes its `why`, in `text`, which must
 * last as long as the report. Nothing if it is none of those, or can't be read. */
void instruction_explain(struct crash_report *report, char *text, size_t room);

#endif
