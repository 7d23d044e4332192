/*
 * The log's memory: what a crash report shows of the time before. A host finds it by the symbol
 * log_ring of the image's symbol table.
 */
#ifndef DIATOM_CORE_LOG_H
#define DIATOM_CORE_LOG_H

#include <stdint.h>

#define LOG_LINE_BYTES 240 /* with its newline */
#define LOG_RING_LINES 16
#define LOG_RING_MAGIC 0x676f6c64 /* "dlog" */

struct log_ring {
	uint32_t magic;
	uint32_t next; /* lines written so far; the last is in lines[(next - 1) % LOG_RING_LINES] */
	char lines[LOG_RING_LINES][LOG_LINE_BYTES]; /* each NUL-ended, or full */
};

extern struct log_ring log_ring;

#endif
