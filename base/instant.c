#include "diatom/time.h"

/* Never inlined, not by the linker either: its two limits are ten bytes each. */
__attribute__((noinline)) instant instant_after(instant start, duration length)
{
	instant sum;

	if (__builtin_add_overflow(start, length, &sum))
		return length > 0 ? FOREVER : AT_ONCE;
	return sum;
}
