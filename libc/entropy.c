/*
 * getrandom: never blocks, never fails, any length.
 */
#include "diatom/random.h"
#include "libc/calls.h"

long libc_getrandom(long out, long length, long flags)
{
	random_bytes((void *)out, (size_t)length);
	return length;
}
