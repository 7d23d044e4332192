/*
 * The phrases of diatom/status.h, in the order of its enum.
 */
#include "diatom/status.h"

#include "diatom/view.h"

const char *status_text(enum status status)
{
	static const char *const texts[] = {
		[OK] = "ok",
		[CANCELLED] = "cancelled",
		[TIMED_OUT] = "timed out",
		[CLOSED] = "closed",
		[NO_MEMORY] = "out of memory",
		[FULL] = "no room now",
		[EMPTY] = "nothing there now",
		[TOO_LONG] = "too long",
		[MALFORMED] = "malformed",
		[NOT_FOUND] = "not found",
		[IN_USE] = "already in use",
		[REFUSED] = "refused",
		[UNREACHABLE] = "unreachable",
		[UNSUPPORTED] = "not supported",
		[INVALID_VALUE] = "invalid value",
		[DEVICE_FAILED] = "device failed",
	};

	if ((unsigned)status >= ARRAY_LEN(texts))
		return "unknown status";
	return texts[status];
}
