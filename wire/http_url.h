/*
 * Targets taken apart (RFC 3986): percent-encoding, paths, and pairs of queries, forms and cookies.
 */
#ifndef DIATOM_WIRE_HTTP_URL_H
#define DIATOM_WIRE_HTTP_URL_H

#include <stdbool.h>

#include "diatom/view.h"

/*
 * Decodes percent-encoding into `out`, of at least text.length bytes; `plus_is_blank` as in queries
 * and forms (application/x-www-form-urlencoded). *length: of what was written. False for a '%' without
 * two hexadecimal digits, and for an encoded NUL.
 */
bool http_url_decode(struct view text, bool plus_is_blank, uint8_t *out, size_t *length);

/*
 * Decodes a path and removes its dot segments (3986 5.2.4) into `out`, of at least path.length bytes:
 * what comes out begins with '/', has no segment "." or "..", and no NUL. A path that would leave
 * its root, and one with an encoded '/' or '\', is refused: no two programs agree on those.
 */
bool http_path_normalise(struct view path, uint8_t *out, size_t *length);

/* Takes the next "name=value" of a query or form from *rest, still encoded; empty ones are passed over.
 * False at the end. */
bool http_query_next(struct view *rest, struct view *name, struct view *value);

/* Takes the next "name=value" of a Cookie field (RFC 6265 4.2.1), quotes around the value taken off. */
bool http_cookie_next(struct view *rest, struct view *name, struct view *value);

#endif
