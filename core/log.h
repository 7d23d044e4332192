/*
 * The log's memory: what a crash report shows of the time before (abi/inside.h).
 */
#ifndef DIATOM_CORE_LOG_H
#define DIATOM_CORE_LOG_H

#include "abi/inside.h"

#define LOG_LINE_BYTES INSIDE_LINE_BYTES
#define LOG_RING_LINES INSIDE_LINES
#define LOG_RING_MAGIC INSIDE_LOG_MAGIC

extern struct inside_log log_ring;

#endif
