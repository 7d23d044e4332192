/*
 * The chunked transfer coding (RFC 9112 7.1), as it comes: any cut of the stream gives the same data.
 *
 *     5;extension CR LF  hello CR LF   ...   0 CR LF  trailer fields CR LF
 *
 * Extensions are checked and dropped (7.1.1). What follows the last chunk's line are field lines up to
 * an empty one: http_fields_parse.
 */
#ifndef DIATOM_WIRE_HTTP_CHUNK_H
#define DIATOM_WIRE_HTTP_CHUNK_H

#include <stdbool.h>

#include "diatom/view.h"

#define HTTP_CHUNK_LINE_MAX 256 /* bytes of a size with its extensions */

/* Zero-initialise. */
struct http_chunks {
	uint64_t left;	     /* of the chunk's data */
	uint16_t line_bytes; /* of the line so far */
	uint8_t state;
};

enum http_chunk_event {
	HTTP_CHUNK_MORE,     /* all bytes are used up: more are needed */
	HTTP_CHUNK_DATA,     /* *data are the next bytes of the body */
	HTTP_CHUNK_TRAILERS, /* the body is complete; *bytes is at the trailers */
	HTTP_CHUNK_FAULT,    /* not the coding's form: the stream can't be read on */
};

/* Goes on with *bytes, which then begins behind what was used. */
enum http_chunk_event http_chunk_next(
	struct http_chunks *chunks, struct view *bytes, struct view *data);

/* "1f40" CR LF into `line`, which has room for HTTP_CHUNK_HEAD_BYTES; its length. For length > 0. */
#define HTTP_CHUNK_HEAD_BYTES 18
size_t http_chunk_head(uint8_t *line, uint64_t length);

#endif
