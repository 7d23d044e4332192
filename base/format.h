/*
 * Formatting for the libraries' own texts: a twentieth of printf's size, because it has no floating
 * point, no locale and no streams. An image whose program calls printf carries that as well.
 */
#ifndef DIATOM_BASE_FORMAT_H
#define DIATOM_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * As snprintf of C11, for the conversions %s %c %d %i %u %x %X %o %p %%, with flags 0 and -, width and
 * (for %s) precision, each a number or *, and lengths hh h l ll z. Any other conversion is copied as it
 * is written, and takes no argument. Returns the length that the whole text has; what does not fit
 * `room` with its NUL is cut.
 */
__attribute__((format(printf, 3, 4))) int format_text(
	char *to, size_t room, const char *format, ...);
__attribute__((format(printf, 3, 0))) int format_text_list(
	char *to, size_t room, const char *format, va_list arguments);

#endif
