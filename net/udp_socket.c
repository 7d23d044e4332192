/*
 * UDP sockets: ports (net/udp.c) on which fibers may wait.
 *
 * Datagrams that were handed to the program stay in the `held` list until it takes them away (a reply
 * made of one, udp_release) or the same fiber receives again.
 */
#include "diatom/udp.h"

#include "diatom/counter.h"
#include "diatom/fiber.h"
#include "diatom/log.h"
#include "diatom/memory.h"
#include "net/interface.h"
#include "net/ip.h"
#include "net/linear.h"
#include "net/note.h"
#include "wire/udp.h"

COUNTER(tx_no_buffer, "udp.tx_no_buffer", "datagrams not sent: no buffer");

struct udp_socket {
	struct udp_port port;
	struct interface *interface;
	struct wait_queue readers;
	struct packet *held; /* handed to the program, linked by next */
	unsigned waiting;    /* fibers inside udp_receive */
	bool is_closed;
};

static struct pool socket_pool = POOL("udp sockets", sizeof(struct udp_socket), 0);

/* A batch of frames brought something, or the image is asked to finish. */
static void socket_ready(struct udp_port *port)
{
	struct udp_socket *socket = CONTAINER_OF(port, struct udp_socket, port);

	if (socket->interface->is_finishing)
		wake_all(&socket->readers);
	else
		wake_one(&socket->readers);
}

struct udp_socket *udp_open(struct net *net, uint16_t port)
{
	struct udp_socket *socket;

	if (net_up(net) != OK)
		return NULL;
	socket = pool_alloc_zeroed(&socket_pool);
	if (socket == NULL) {
		log_error("udp", "no memory for a socket");
		return NULL;
	}
	socket->interface = interface_of(net);
	socket->port.ready = socket_ready;
	if (udp_port_bind(net->stack, &socket->port, port) != OK) {
		log_error("udp", "port %u is in use", port);
		pool_free(&socket_pool, socket);
		return NULL;
	}
	return socket;
}

/* In the buffer of a held datagram, whose own note has been read: the fiber that it was handed to. */
static const struct fiber **holder_of(const struct packet *packet)
{
	return packet_note(packet, sizeof(const struct fiber *));
}

/* Frees what that fiber holds; NULL: what all hold. */
static void free_held(struct udp_socket *socket, const struct fiber *holder)
{
	struct packet **link = &socket->held;

	while (*link != NULL) {
		struct packet *packet = *link;

		if (holder != NULL && *holder_of(packet) != holder) {
			link = &packet->next;
			continue;
		}
		*link = packet->next;
		packet->next = NULL;
		packet_free(packet);
	}
}

void udp_close(struct udp_socket *socket)
{
	if (socket == NULL)
		return;
	udp_port_unbind(&socket->interface->stack, &socket->port);
	free_held(socket, NULL);
	socket->is_closed = true;
	if (socket->waiting == 0)
		pool_free(&socket_pool, socket);
	else
		wake_all(&socket->readers); /* the last of them frees it */
}

uint16_t udp_port(const struct udp_socket *socket)
{
	return socket->port.number;
}

/* Blocks until there is a datagram or an error to take. */
static enum status wait_for_news(struct udp_socket *socket, instant deadline)
{
	enum status status = OK;

	socket->waiting++;
	for (;;) {
		if (socket->is_closed || finish_is_requested())
			status = CLOSED;
		if (status != OK || socket->port.queue.count > 0 || socket->port.error_count > 0)
			break;
		status = wait_on(&socket->readers, deadline);
	}
	socket->waiting--;
	if (socket->is_closed && socket->waiting == 0)
		pool_free(&socket_pool, socket);
	return status;
}

/* Hands over the next datagram and holds its packet for this fiber; false if there is none. */
static bool take(
	struct udp_socket *socket, struct udp_datagram *datagram, struct packet ***held_end)
{
	struct packet *packet = udp_port_take(&socket->port, &datagram->source, &datagram->local);

	if (packet == NULL)
		return false;
	datagram->packet = packet;
	datagram->payload = packet_view(packet);
	datagram->answer = NULL;
	*holder_of(packet) = fiber_self();
	**held_end = packet;
	*held_end = &packet->next;
	return true;
}

enum status udp_receive_batch(struct udp_socket *socket, struct udp_datagram *datagrams,
	unsigned most, unsigned *count, instant deadline)
{
	struct packet **held_end = &socket->held;
	enum status status;

	*count = 0;
	free_held(socket, fiber_self());
	status = wait_for_news(socket, deadline);
	if (status != OK)
		return status;
	if (udp_port_take_error(&socket->port, &datagrams[0].source)) {
		datagrams[0].payload = view_of(NULL, 0);
		datagrams[0].packet = datagrams[0].answer = NULL;
		return UNREACHABLE;
	}
	while (*held_end != NULL) /* another fiber has received meanwhile */
		held_end = &(*held_end)->next;
	while (*count < most && take(socket, &datagrams[*count], &held_end))
		++*count;
	/* One wake-up stands for a batch of datagrams: pass on what this fiber leaves. */
	if (socket->port.queue.count > 0)
		wake_one(&socket->readers);
	return OK;
}

enum status udp_receive(struct udp_socket *socket, struct udp_datagram *datagram, instant deadline)
{
	unsigned count;

	return udp_receive_batch(socket, datagram, 1, &count, deadline);
}

struct packet *udp_release(struct udp_socket *socket, struct udp_datagram *datagram)
{
	struct packet *packet = datagram->packet, **link = &socket->held;

	while (*link != NULL && *link != packet)
		link = &(*link)->next;
	if (*link != NULL) {
		*link = packet->next;
		packet->next = NULL;
	}
	datagram->packet = NULL;
	return packet;
}

static enum status send(struct udp_socket *socket, struct packet *packet,
	const struct endpoint *from, const struct endpoint *to)
{
	enum status status = udp_output(&socket->interface->stack, packet, from, to);

	interface_sync(socket->interface);
	return status;
}

/* Sends a copy of the bytes. */
static enum status send_copy(struct udp_socket *socket, const struct endpoint *from,
	const struct endpoint *to, struct view payload)
{
	struct packet *packet;

	if (payload.length > UDP_PAYLOAD_MAX)
		return TOO_LONG;
	packet = linear_alloc(payload.length);
	if (packet == NULL) {
		count(&tx_no_buffer);
		return NO_MEMORY;
	}
	if (payload.length > 0)
		memcpy(packet->data, payload.data, payload.length);
	return send(socket, packet, from, to);
}

/* May the packet itself carry these bytes to there, with headers before them? */
static bool can_carry(const struct packet *packet, struct view payload, const struct address *to)
{
	const uint8_t *end = packet->buffer + packet->capacity;
	size_t headers = ETHERNET_HEADER_BYTES + ip_header_bytes(to) + UDP_HEADER_BYTES;

	return packet->references == 1 && packet->fragment == NULL &&
	       payload.data >= packet->buffer + headers && payload.data <= end &&
	       payload.length <= (size_t)(end - payload.data);
}

enum status udp_reply(struct udp_socket *socket, struct udp_datagram *datagram, struct view payload)
{
	struct packet *packet = datagram->packet;

	if (packet == NULL || !can_carry(packet, payload, &datagram->source.address))
		return send_copy(socket, &datagram->local, &datagram->source, payload);
	udp_release(socket, datagram);
	packet->data = packet->buffer + (payload.data - packet->buffer);
	packet->length = packet->total_length = (uint32_t)payload.length;
	return send(socket, packet, &datagram->local, &datagram->source);
}

uint8_t *udp_reply_begin(struct udp_socket *socket, struct udp_datagram *datagram, size_t *room)
{
	const struct address *to = &datagram->source.address;
	size_t most =
		ip_link_mtu(&socket->interface->stack, to) - ip_header_bytes(to) - UDP_HEADER_BYTES;
	struct packet *packet = packet_alloc();

	datagram->answer = packet;
	if (packet == NULL) {
		count(&tx_no_buffer);
		*room = 0;
		return NULL;
	}
	*room = packet_tailroom(packet);
	if (*room > most)
		*room = most;
	return packet->data;
}

enum status udp_reply_end(struct udp_socket *socket, struct udp_datagram *datagram, size_t length)
{
	struct packet *packet = datagram->answer;

	datagram->answer = NULL;
	if (length == 0 || packet == NULL) {
		packet_free(packet);
		return OK;
	}
	if (length > packet_tailroom(packet)) {
		packet_free(packet);
		return TOO_LONG;
	}
	packet->length = packet->total_length = (uint32_t)length;
	return send(socket, packet, &datagram->local, &datagram->source);
}

enum status udp_send(struct udp_socket *socket, const struct endpoint *to, struct view payload)
{
	struct endpoint from = { .port = socket->port.number };

	net_stack_set_time(&socket->interface->stack, time_now());
	udp_port_note_peer(&socket->port, to);
	return send_copy(socket, &from, to, payload);
}
