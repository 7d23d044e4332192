/*
 * A console with input: the host's standard input and output, as bytes.
 *
 *     DIATOM_CONSOLE(terminal);
 *
 *     while (console_read(&terminal, line, sizeof(line), &length, FOREVER) == OK)
 *             console_write(&terminal, line, length);
 *
 * Output alone needs none of this: printf and the log reach the host anyway. Only an image that calls
 * console_read carries the driver.
 */
#ifndef DIATOM_CONSOLE_H
#define DIATOM_CONSOLE_H

#include <stddef.h>

#include "abi/manifest.h"
#include "diatom/status.h"
#include "diatom/time.h"

struct console_device;

struct console {
	const struct manifest_console *manifest;
	struct console_device *device; /* NULL until the first use */
};

#define DIATOM_CONSOLE(symbol)                                                                     \
	MANIFEST_NOTE(symbol, MANIFEST_CONSOLE, struct manifest_console, .name = #symbol);         \
	struct console symbol = { .manifest = &symbol##_note.desc }

/*
 * Waits for input and reads what is there, at most `room` bytes; *length is how many. CLOSED when the
 * host's input has ended (in a process; a VM just hears nothing more) or the image is asked to finish;
 * TIMED_OUT; CANCELLED; NOT_FOUND when the host gave no console; DEVICE_FAILED; NO_MEMORY. One fiber
 * at a time.
 */
enum status console_read(
	struct console *console, void *out, size_t room, size_t *length, instant deadline);

/* Writes all the bytes, after whatever was printed before. Statuses as console_read's, but for the
 * waiting ones. */
enum status console_write(struct console *console, const void *bytes, size_t length);

#endif
