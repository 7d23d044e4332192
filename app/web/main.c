/*
 * A static web site: the files of public/, compiled in.
 */
#include <diatom/http.h>

DIATOM_NET(eth0);
DIATOM_DIR(site, "public");

int main(void)
{
	return http_serve(&eth0, 80, http_static, &site);
}
