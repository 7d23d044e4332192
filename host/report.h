/*
 * What diatom says to people, on standard error. An error is one line that says what is wrong, and one
 * that says what to do:
 *
 *     diatom: web needs a network interface "eth0" that nothing provides
 *       give it one:  diatom run --net eth0=tap:TAP web
 *
 * Each call is one write, so lines of several processes don't mix. No stdio streams: starting them
 * costs time that a short run notices.
 */
#ifndef DIATOM_HOST_REPORT_H
#define DIATOM_HOST_REPORT_H

#include <stddef.h>
#include <stdint.h>

/* Prints the error and returns `code`. A NULL remedy is left out. */
__attribute__((format(printf, 3, 4))) int report_error(
	int code, const char *remedy, const char *format, ...);

/* Prints one line (or several: the text's own newlines), with no prefix. */
__attribute__((format(printf, 1, 2))) void report_line(const char *format, ...);

/* Writes bytes to a descriptor, over partial writes and EINTR; gives up at any other error. */
void report_write(int fd, const char *text, size_t length);

/* "0.25 ms", "1.1 ms", "12.4 s", "3 min 20 s" */
#define REPORT_TIME_BYTES 32
const char *report_time(char text[REPORT_TIME_BYTES], int64_t ns);

/* The one of `words` (ended by NULL) that was probably meant by `word`, or NULL. */
const char *report_nearest(const char *word, const char *const *words);

#endif
