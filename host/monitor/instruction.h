/*
 * Names the instruction behind a general protection fault or an invalid opcode, for crash reports.
 */
#ifndef DIATOM_MONITOR_INSTRUCTION_H
#define DIATOM_MONITOR_INSTRUCTION_H

#include <stddef.h>
#include <stdint.h>

/* Says why the instruction at `code` may not run in ring 3, in at most `room` bytes of `text`: "port
 * 0x80 not granted"; or which check of the compiler's it is the end of. `dx` is the port of those that have it there. An empty text: it is none of
 * those. Reads at most `length` bytes. */
void instruction_describe(char *text, size_t room, const uint8_t *code, size_t length, uint16_t dx);

#endif
