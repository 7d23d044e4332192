/*
 * Status: how a call that can fail says so.
 *
 * Every such function returns one of these, and its header says which and when. Misuse of an
 * interface (a bug in the program) is not a status: it stops the image with a report, see
 * diatom/assert.h.
 */
#ifndef DIATOM_STATUS_H
#define DIATOM_STATUS_H

enum status {
	OK = 0,
	CANCELLED,     /* the waiting fiber was cancelled, or the image was asked to finish */
	TIMED_OUT,     /* the deadline passed first */
	CLOSED,	       /* the object was closed, here or by the peer */
	NO_MEMORY,     /* a pool or extent limit was reached; counted where it happened */
	FULL,	       /* a queue or ring has no room now; try again later */
	EMPTY,	       /* nothing is there now; try again later */
	TOO_LONG,      /* the data does not fit the destination or the protocol's limit */
	MALFORMED,     /* bytes from outside break their format */
	NOT_FOUND,     /* no such name, device, route or record */
	IN_USE,	       /* the name, port or address is taken */
	REFUSED,       /* the peer or a policy said no */
	UNREACHABLE,   /* no route, or the network said so (ICMP) */
	UNSUPPORTED,   /* this target, device or peer can't do that */
	INVALID_VALUE, /* a value from configuration is out of its range */
	DEVICE_FAILED, /* a device broke its contract or reported an error */
};

/* A short English phrase without full stop, never NULL: "timed out". */
const char *status_text(enum status status);

#endif
