/*
 * HTTP/1.1 messages (RFC 9112): the head of a request or response, taken apart, and what follows from
 * it: how long the body is, and whether the connection lives on.
 *
 *     request:   GET /path?query HTTP/1.1 CRLF      response:  HTTP/1.1 200 OK CRLF
 *                Name: value CRLF                              Name: value CRLF
 *                CRLF                                          CRLF
 *                body: none, Content-Length bytes, chunks (wire/http_chunk.h), or (response) until close
 *
 * Two programs that read one stream must agree on where messages end, or one can be made to see a
 * request that the other did not ("request smuggling", 9112 11.2). So the grammar is taken strictly:
 * lines end in CR LF, field names touch their colon, there is one length or one coding, and what
 * departs from it is refused, never mended. Each fault has the status with which it is answered.
 *
 * Views point into the caller's bytes. Nothing is copied, nothing allocated.
 */
#ifndef DIATOM_WIRE_HTTP_H
#define DIATOM_WIRE_HTTP_H

#include <stdbool.h>

#include "diatom/http_message.h"
#include "diatom/view.h"

#define HTTP_FIELDS_MAX 64

enum http_fault {
	HTTP_OK,
	HTTP_LINE_END,	       /* a line that does not end in CR LF, or a CR inside one */
	HTTP_REQUEST_LINE,     /* not METHOD SP TARGET SP VERSION */
	HTTP_TARGET,	       /* a target that fits no form, or not the method */
	HTTP_VERSION,	       /* not HTTP/1.x */
	HTTP_STATUS_LINE,      /* not VERSION SP 3DIGIT SP reason */
	HTTP_FIELD_NAME,       /* empty, of other characters, or blanks before the colon */
	HTTP_FIELD_VALUE,      /* control characters */
	HTTP_FIELD_FOLDED,     /* a line that begins with a blank (obs-fold) */
	HTTP_TOO_MANY_FIELDS,  /* more than HTTP_FIELDS_MAX */
	HTTP_HOST,	       /* none, two, or not a host */
	HTTP_CONTENT_LENGTH,   /* two, or not a number */
	HTTP_TRANSFER_CODING,  /* a coding other than chunked */
	HTTP_AMBIGUOUS_LENGTH, /* both a length and a coding; or a coding in HTTP/1.0 */
	HTTP_EXPECTATION,      /* other than 100-continue */
	HTTP_FAULTS,
};

/* The status code that answers it (400, 417, 431, 501, 505), and what is wrong, in a few words. */
unsigned http_fault_status(enum http_fault fault);
const char *http_fault_text(enum http_fault fault);

enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH,	  /* content_length bytes */
	HTTP_CHUNKED,	  /* chunks, then trailers */
	HTTP_UNTIL_CLOSE, /* responses only */
};

struct http_field {
	struct view name, value; /* blanks around the value are gone */
};

struct http_head {
	size_t length; /* of the head, empty line and leading empty lines included */
	uint8_t minor; /* HTTP/1.`minor`, 0 or 1 */

	/* Of a request. */
	enum http_method method;
	struct view method_text;
	struct view target;	 /* as it came */
	struct view path, query; /* percent-encoded; path is "*" for OPTIONS *, empty for CONNECT */
	bool has_query;
	struct view
		host; /* with port; of an absolute target, else of Host. Empty: none (HTTP/1.0) */
	bool expects_continue;

	/* Of a response. */
	unsigned status;
	struct view reason;

	enum http_framing framing;
	uint64_t content_length; /* HTTP_LENGTH; and, for a response to HEAD, what it says */
	bool keeps_alive;	 /* may the connection serve another exchange? */
	bool wants_upgrade;	 /* Connection: upgrade, and an Upgrade field */
	struct http_field fields[HTTP_FIELDS_MAX];
	unsigned field_count;
};

/*
 * Does the head that starts at bytes.data end in them? Returns true when its empty line is there, or
 * when something is that is no head at all: http_request_parse then says which. `*seen` counts the
 * bytes that need no second look: 0 at first, kept by the caller while it reads on.
 */
bool http_head_is_complete(struct view bytes, size_t *seen);

/* By its name, whose case matters. */
enum http_method http_method_of(struct view text);

/* Takes a complete request head apart, at the start of `bytes`. */
enum http_fault http_request_parse(struct http_head *head, struct view bytes);

/* The same for a response to a request with that method. 1xx ones are heads of their own. */
enum http_fault http_response_parse(
	struct http_head *head, struct view bytes, enum http_method method);

/* The field lines up to the empty line, which is there: of trailers. *length: their bytes. */
enum http_fault http_fields_parse(
	struct http_field *fields, unsigned *count, struct view bytes, size_t *length);

/* The value of the first field of that name (in lower case); false if there is none. */
bool http_head_field(const struct http_head *head, const char *name, struct view *value);

#endif
