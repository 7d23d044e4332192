/* @NAME@: an authoritative name server for one zone. */
#include <diatom/app.h>
#include <diatom/dns.h>

DIATOM_IMAGE(.name = "@NAME@", .version = "0.1", .memory_mib = 16, .memory_min_mib = 8);
DIATOM_NET(eth0);
DIATOM_FILE(compiled, "@NAME@.zone"); /* read-only bytes of the image */
DIATOM_BLOB(zone, .optional = 1);     /* instead of it: --file zone=PATH */

int main(void)
{
	struct view given = blob_view(&zone);
	struct dns_zone *served;

	if (dns_zone_parse(&served, "example.org", given.data != NULL ? given : compiled) != OK)
		return 1; /* line and column are already logged */
	return dns_serve(&eth0, &served, 1);
}
