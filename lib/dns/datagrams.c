/*
 * The server's loop over UDP: datagrams from the stack in batches, each answered in the buffer it came in.
 *
 *     packet buffer:  | headroom | headers | question ...... | tailroom |
 *                                            answer grows -> |
 *
 * So an answer costs no allocation and no copy of the question, whose letters come back as they were.
 */
#include "lib/dns/serving.h"

#define BATCH	     32
#define ANSWER_SPACE 512 /* what dns_answer wants at least */

static void answer_in_place(struct dns_server *server, struct udp_socket *socket,
	struct udp_datagram *datagram, size_t room)
{
	uint8_t *bytes =
		datagram->packet->buffer + (datagram->payload.data - datagram->packet->buffer);
	size_t length = dns_answer(server, datagram->payload, bytes, room, DNS_LIMIT_UDP);

	if (length > 0)
		udp_reply(socket, datagram, view_of(bytes, length));
}

static void answer_apart(
	struct dns_server *server, struct udp_socket *socket, struct udp_datagram *datagram)
{
	size_t room, length;
	uint8_t *bytes = udp_reply_begin(socket, datagram, &room);

	if (bytes == NULL)
		return; /* counted there */
	length = room < ANSWER_SPACE
			 ? 0
			 : dns_answer(server, datagram->payload, bytes, room, DNS_LIMIT_UDP);
	udp_reply_end(socket, datagram, length);
}

static void answer(
	struct dns_server *server, struct udp_socket *socket, struct udp_datagram *datagram)
{
	const struct packet *packet = datagram->packet;
	size_t room = 0;

	if (packet->fragment == NULL && packet->references == 1)
		room = packet->length + packet_tailroom(packet);
	if (room >= ANSWER_SPACE)
		answer_in_place(server, socket, datagram, room);
	else
		answer_apart(server, socket, datagram);
}

void datagrams_answer(struct dns_server *server, struct udp_socket *socket)
{
	struct udp_datagram batch[BATCH];
	enum status status;
	unsigned n;

	for (;;) {
		status = udp_receive_batch(socket, batch, BATCH, &n, FOREVER);
		if (status == UNREACHABLE) /* a client went away */
			continue;
		if (status != OK)
			return;
		for (unsigned i = 0; i < n; i++)
			answer(server, socket, &batch[i]);
	}
}

enum status serving_start(struct dns_serving *serving, struct net *net,
	struct dns_zone *const *zones, size_t count, uint16_t port)
{
	enum status status = dns_server_create(&serving->server, zones, count, DNS_MEMO_DEFAULT);

	if (status != OK) {
		log_error("dns", "the server can't start: %s",
			status == IN_USE ? "two zones have the same origin" : status_text(status));
		return status;
	}
	serving->socket = udp_open(net, port);
	if (serving->socket == NULL) {
		dns_server_free(serving->server);
		return IN_USE;
	}
	for (size_t i = 0; i < count; i++) {
		struct dns_zone_facts facts = dns_zone_facts(zones[i]);

		log_info("dns", "%s, %u names, %u records, serial %u, serving on %s port %u",
			dns_zone_origin(zones[i]), facts.names, facts.records, facts.serial,
			net->manifest->name, port);
	}
	return OK;
}

void serving_end(struct dns_serving *serving)
{
	udp_close(serving->socket);
	dns_server_free(serving->server);
}

int dns_serve_udp(struct net *net, struct dns_zone *const *zones, size_t count)
{
	struct dns_serving serving;

	if (serving_start(&serving, net, zones, count, DNS_PORT) != OK)
		return 1;
	datagrams_answer(serving.server, serving.socket);
	serving_end(&serving);
	return 0;
}
