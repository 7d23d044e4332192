/*
 * Words of HTTP (RFC 9110) that programs and the parser in wire/ share: methods and status codes.
 */
#ifndef DIATOM_HTTP_MESSAGE_H
#define DIATOM_HTTP_MESSAGE_H

#include <stdint.h>

enum http_method {
	GET,
	HEAD,
	POST,
	PUT,
	DELETE,
	PATCH,
	OPTIONS,
	CONNECT,
	TRACE,
	OTHER_METHOD, /* a token that is none of these */
	HTTP_METHODS,
};

/* "GET"; never NULL. */
const char *http_method_text(enum http_method method);

/* The reason phrase of a status code (RFC 9110 15 and the registry): "Not Found"; "Unknown" for one
 * that isn't registered. Never NULL. */
const char *http_status_text(unsigned status);

#endif
