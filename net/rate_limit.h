/*
 * A token bucket: how many messages of a kind may leave (RFC 1812 4.3.2.8, RFC 4443 2.4 (f)).
 */
#ifndef DIATOM_NET_RATE_LIMIT_H
#define DIATOM_NET_RATE_LIMIT_H

#include <stdbool.h>

#include "diatom/time.h"

#define RATE_ERRORS_PER_SECOND 1000 /* of ICMP, each version */
#define RATE_ERRORS_BURST      50

/* Zero-initialised, it is full. */
struct rate_limit {
	instant refilled;
	unsigned tokens;
};

/* Takes a token, if there is one. */
bool rate_limit_take(struct rate_limit *limit, instant now);

#endif
