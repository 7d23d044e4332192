/*
 * Log: lines with a level, kept in a small ring for crash reports and printed on the console.
 *
 *     log_warning("dns", "zone %s: line %u: %s", origin, line, why);
 *
 * The format is printf's. In an image that calls printf or its kin nowhere, floating point (%f and such)
 * is not formatted but shown as it is written.
 *
 * A line longer than 240 bytes is cut. Logging never blocks on anything but the console. Levels
 * below the one that the command line set (--log) cost one compare.
 */
#ifndef DIATOM_LOG_H
#define DIATOM_LOG_H

#include <stdint.h>

#include "abi/log.h"

__attribute__((format(printf, 3, 4))) void log_line(
	enum log_level level, const char *part, const char *format, ...);

extern enum log_level log_level_printed;

#define LOG(level, part, ...)                                                                      \
	do {                                                                                       \
		if ((level) <= log_level_printed)                                                  \
			log_line((level), (part), __VA_ARGS__);                                    \
	} while (0)

#define log_error(part, ...)   LOG(LOG_ERROR, part, __VA_ARGS__)
#define log_warning(part, ...) LOG(LOG_WARNING, part, __VA_ARGS__)
#define log_info(part, ...)    LOG(LOG_INFO, part, __VA_ARGS__)
#define log_debug(part, ...)   LOG(LOG_DEBUG, part, __VA_ARGS__)

#endif
