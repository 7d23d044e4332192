/*
 * What a head's fields say about the message and the connection: the rules of RFC 9112 6.3 (length),
 * 9.3 (persistence), 3.2 (Host) and RFC 9110 10.1.1 (Expect), 7.8 (Upgrade).
 */
#ifndef DIATOM_WIRE_HTTP_FRAMING_H
#define DIATOM_WIRE_HTTP_FRAMING_H

#include "wire/http.h"

/* Fill in what follows from start line and fields, which are there. */
enum http_fault http_frame_request(struct http_head *head);
enum http_fault http_frame_response(struct http_head *head, enum http_method method);

#endif
