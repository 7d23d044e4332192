/*
 * UDP echo (RFC 862): every datagram goes back to its sender, in the buffer that it came in.
 */
#include <diatom/udp.h>

DIATOM_NET(eth0);

int main(void)
{
	struct udp_socket *s = udp_open(&eth0, 7);
	struct udp_datagram d;

	if (s == NULL)
		return 1;
	while (udp_receive(s, &d, FOREVER) == OK)
		udp_reply(s, &d, d.payload);
	return 0;
}
