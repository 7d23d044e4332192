/*
 * Files that the user hands over at start: --file zone=PATH.
 */
#include "diatom/app.h"
#include "plat/plat.h"

struct view blob_view(const struct blob *blob)
{
	const struct boot_blob *given = plat_blob(blob->manifest->name);

	return given ? view_of((const void *)given->address, given->length) : view_of(NULL, 0);
}
