/*
 * TCP echo (RFC 862): what comes goes back, in the buffers that it came in. A fiber for each connection.
 */
#include <diatom/fiber.h>
#include <diatom/tcp.h>

DIATOM_NET(eth0);

static void echo(void *connection)
{
	struct tcp *c = connection;
	struct packet *packet;

	while (tcp_read_packet(c, &packet, FOREVER) == OK)
		if (tcp_write_packet(c, packet, in_seconds(60)) != OK)
			break;
	tcp_close(c);
}

int main(void)
{
	struct tcp_listener *l = tcp_listen(&eth0, 7);
	struct tcp *c;

	if (l == NULL)
		return 1;
	while (tcp_accept(l, &c, FOREVER) == OK) {
		struct fiber *fiber = fiber_start("echo", echo, c);

		if (fiber != NULL)
			fiber_detach(fiber);
		else
			tcp_abort(c); /* too many at once: counted */
	}
	return tcp_finish(&eth0, in_seconds(5)) != OK;
}
