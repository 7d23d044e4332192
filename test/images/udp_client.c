/*
 * Sends "hello" by UDP to argv[1], port argv[2], three times if need be; prints what comes back. For
 * test/e2e/usernet.py. Exit code 3: nothing came back.
 */
#include <stdio.h>
#include <stdlib.h>

#include <diatom/udp.h>

DIATOM_NET(eth0);

int main(int argc, char **argv)
{
	struct udp_socket *socket = udp_open(&eth0, 0);
	struct endpoint to = { .port = (uint16_t)(argc > 2 ? atoi(argv[2]) : 0) };
	struct udp_datagram d;

	if (socket == NULL || argc < 3 || address_parse(&to.address, argv[1]) != OK)
		return 2;
	for (int i = 0; i < 3; i++) {
		udp_send(socket, &to, view_of("hello", 5));
		if (udp_receive(socket, &d, in_ms(500)) != OK)
			continue;
		printf("%.*s\n", (int)d.payload.length, (const char *)d.payload.data);
		return 0;
	}
	return 3;
}
