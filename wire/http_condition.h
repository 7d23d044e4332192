/*
 * Conditional requests and ranges (RFC 9110 13 and 14), as functions of a request's fields and of what
 * the resource is now.
 */
#ifndef DIATOM_WIRE_HTTP_CONDITION_H
#define DIATOM_WIRE_HTTP_CONDITION_H

#include "wire/http.h"

/* The representation that a request would get. */
struct http_validators {
	struct view etag; /* with its quotes, `W/` in front if weak; empty: none */
	int64_t modified; /* seconds since 1970; -1: not known */
};

/* What the preconditions make of the request (13.2.2). */
enum http_precondition {
	HTTP_GO_ON,
	HTTP_NOT_MODIFIED,	  /* answer 304 */
	HTTP_PRECONDITION_FAILED, /* answer 412 */
};

/* `now` is the wall time in seconds, for dates with two-digit years. */
enum http_precondition http_check_preconditions(
	const struct http_head *request, const struct http_validators *resource, int64_t now);

/* The bytes [first, first + length) of a representation. */
struct http_range {
	uint64_t first, length;
};

enum http_range_result {
	HTTP_WHOLE,	      /* no range, or one that is to be ignored (14.2) */
	HTTP_PART,	      /* answer 206 with *range */
	HTTP_NOT_SATISFIABLE, /* answer 416 */
};

/*
 * The one range of a GET for a representation of `length` bytes. Several ranges in one request are
 * answered with the whole, as a server may (14.2), and so is one whose If-Range does not match.
 */
enum http_range_result http_check_range(const struct http_head *request,
	const struct http_validators *resource, uint64_t length, int64_t now,
	struct http_range *range);

/*
 * How much the client likes a content coding (12.5.3), in thousandths: 0 if it refuses it or, for
 * another than "identity", doesn't name it. `coding` is in lower case.
 */
unsigned http_coding_quality(const struct http_head *request, const char *coding);

#endif
