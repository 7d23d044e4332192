/* @NAME@: sends every datagram on UDP port 7 back to its sender (RFC 862). */
#include <diatom/app.h>
#include <diatom/log.h>
#include <diatom/udp.h>

DIATOM_IMAGE(.name = "@NAME@", .version = "0.1", .memory_mib = 16, .memory_min_mib = 8);
DIATOM_NET(eth0);

int main(void)
{
	struct udp_socket *s = udp_open(&eth0, 7);
	struct udp_datagram d;

	if (s == NULL)
		return 1; /* why is already logged */
	while (udp_receive(s, &d, FOREVER) == OK)
		udp_reply(s, &d, d.payload); /* no copy: the buffer goes back out */
	return 0;			     /* INT or TERM asked us to finish */
}
