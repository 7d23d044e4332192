/*
 * The end of an image that found a bug in itself.
 */
#include <string.h>

#include "diatom/assert.h"
#include "plat/plat.h"

void image_crash(const char *why)
{
	plat_crash(why, strlen(why));
}
