/*
 * HTTP dates (RFC 9110 5.6.7), in seconds since 1970 UTC.
 */
#ifndef DIATOM_WIRE_HTTP_DATE_H
#define DIATOM_WIRE_HTTP_DATE_H

#include <stdbool.h>

#include "diatom/view.h"

#define HTTP_DATE_BYTES 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Writes the preferred form, without a NUL. Years 1970 to 9999; others come out as 1970's start. */
void http_date_write(char text[HTTP_DATE_BYTES], int64_t seconds);

/*
 * Reads any of the three forms. `now` decides the century of the form with two digits: one that
 * seems more than 50 years ahead lies in the past. False for anything else, dates that don't exist,
 * and those before 1970.
 */
bool http_date_read(struct view text, int64_t now, int64_t *seconds);

#endif
