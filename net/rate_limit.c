/*
 * Tokens are earned one by one, so that a burst after a short pause is a short burst.
 */
#include "net/rate_limit.h"

bool rate_limit_take(struct rate_limit *limit, instant now)
{
	duration since = now - limit->refilled, each = SECONDS(1) / RATE_ERRORS_PER_SECOND;

	if (limit->refilled == 0 || since >= RATE_ERRORS_BURST * each) {
		limit->tokens = RATE_ERRORS_BURST;
		limit->refilled = now;
	} else if (since >= each) {
		unsigned earned = (unsigned)(since / each);

		limit->tokens = limit->tokens + earned > RATE_ERRORS_BURST ? RATE_ERRORS_BURST
									   : limit->tokens + earned;
		limit->refilled += earned * each;
	}
	if (limit->tokens == 0)
		return false;
	limit->tokens--;
	return true;
}
