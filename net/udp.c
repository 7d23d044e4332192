/*
 * UDP (RFC 768, RFC 1122 4.1).
 *
 * A queued datagram stays in the buffer that it came in; who sent it to whom is noted in the headroom
 * that its headers have left. Queues are bounded in datagrams and in the bytes of the buffers they
 * pin, so small datagrams can't hold large memory.
 */
#include "net/udp.h"

#include "diatom/counter.h"
#include "net/ip.h"
#include "net/linear.h"
#include "net/note.h"
#include "net/packet_sum.h"
#include "net/stack.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

COUNTER(rx_datagrams, "udp.rx_datagrams", "datagrams queued for a socket");
COUNTER(rx_malformed, "udp.rx_malformed", "datagrams dropped: header or length is wrong");
COUNTER(rx_bad_checksum, "udp.rx_bad_checksum", "datagrams dropped: checksum is wrong");
COUNTER(rx_no_checksum, "udp.rx_no_checksum", "datagrams dropped: without checksum, over IPv6");
COUNTER(rx_no_port, "udp.rx_no_port", "datagrams dropped: no socket has that port");
COUNTER(rx_queue_full, "udp.rx_queue_full", "datagrams dropped: the socket's queue is full");
COUNTER(rx_no_buffer, "udp.rx_no_buffer", "datagrams dropped: no buffer");
COUNTER(rx_error_unknown, "udp.rx_error_unknown", "errors about a peer that no socket sent to");
COUNTER(rx_error_dropped, "udp.rx_error_dropped",
	"errors dropped: the socket has enough unread ones");
COUNTER(tx_datagrams, "udp.tx_datagrams", "datagrams handed to IP");
COUNTER(tx_no_source, "udp.tx_no_source", "datagrams dropped: no route or no address of ours");
COUNTER(tx_no_port, "udp.tx_no_port", "datagrams dropped: to port 0, which nobody has");
COUNTER(tx_too_long, "udp.tx_too_long", "datagrams dropped: longer than 65,507 bytes");
COUNTER(tx_no_headroom, "udp.tx_no_headroom", "datagrams dropped: no room for the header");

/* In the buffer of a queued datagram. */
struct udp_note {
	struct endpoint source, local;
};

static struct udp_port **bucket_of(struct udp_ports *ports, uint16_t number)
{
	return &ports->buckets[number % UDP_BUCKETS];
}

static struct udp_port *port_find(struct udp_ports *ports, uint16_t number)
{
	struct udp_port *port = *bucket_of(ports, number);

	while (port != NULL && port->number != number)
		port = port->next;
	return port;
}

/* RFC 6056 3.3.1: start at random, take the first that is free. 0 if none is. */
static uint16_t ephemeral(struct net_stack *stack)
{
	uint32_t span = 65536 - UDP_EPHEMERAL_FROM, start = stack->random() % span;

	for (uint32_t i = 0; i < span; i++) {
		uint16_t number = (uint16_t)(UDP_EPHEMERAL_FROM + (start + i) % span);

		if (port_find(&stack->udp, number) == NULL)
			return number;
	}
	return 0;
}

enum status udp_port_bind(struct net_stack *stack, struct udp_port *port, uint16_t number)
{
	struct udp_port **bucket;

	if (number == 0)
		number = ephemeral(stack);
	if (number == 0 || port_find(&stack->udp, number) != NULL)
		return IN_USE;
	port->number = number;
	if (port->limit_count == 0)
		port->limit_count = UDP_QUEUE_COUNT;
	if (port->limit_bytes == 0)
		port->limit_bytes = UDP_QUEUE_BYTES;
	bucket = bucket_of(&stack->udp, number);
	port->next = *bucket;
	*bucket = port;
	return OK;
}

void udp_port_unbind(struct net_stack *stack, struct udp_port *port)
{
	struct udp_port **link = bucket_of(&stack->udp, port->number);
	struct packet *packet;

	while (*link != port)
		link = &(*link)->next;
	*link = port->next;
	for (link = &stack->udp.ready; *link != NULL; link = &(*link)->next_ready) {
		if (*link == port) {
			*link = port->next_ready;
			break;
		}
	}
	while ((packet = packet_queue_take(&port->queue)) != NULL)
		packet_free(packet);
}

static void make_ready(struct udp_ports *ports, struct udp_port *port)
{
	if (port->is_ready)
		return;
	port->is_ready = true;
	port->next_ready = ports->ready;
	ports->ready = port;
}

void udp_ports_wake(struct udp_ports *ports)
{
	while (ports->ready != NULL) {
		struct udp_port *port = ports->ready;

		ports->ready = port->next_ready;
		port->is_ready = false;
		port->ready(port);
	}
}

void udp_ports_wake_all(struct udp_ports *ports)
{
	for (unsigned i = 0; i < UDP_BUCKETS; i++)
		for (struct udp_port *port = ports->buckets[i]; port != NULL; port = port->next)
			make_ready(ports, port);
	udp_ports_wake(ports);
}

/* Takes a payload and queues it, or drops it. */
static void enqueue(struct net_stack *stack, struct udp_port *port, struct packet *packet,
	const struct udp_note *from)
{
	struct udp_note *note = packet_note(packet, sizeof(*note));

	if (note == NULL) {
		packet = linear_from(packet, sizeof(*note) + 8);
		if (packet == NULL)
			return;
		note = packet_note(packet, sizeof(*note));
	}
	if (port->queue.count >= port->limit_count ||
		port->queued_bytes + packet->capacity > port->limit_bytes) {
		count(&rx_queue_full);
		packet_free(packet);
		return;
	}
	*note = *from;
	port->queued_bytes += packet->capacity;
	packet_queue_put(&port->queue, packet);
	count(&rx_datagrams);
	make_ready(&stack->udp, port);
}

/*
 * A device that merges datagrams of one flow (UDP segmentation offload) hands up one packet for
 * several: they are separated again. Takes it.
 */
static void enqueue_segments(struct net_stack *stack, struct udp_port *port, struct packet *packet,
	const struct udp_note *from)
{
	struct view rest = packet_view(packet);

	while (rest.length > 0) {
		struct view segment = view_part(rest, 0, packet->segment_bytes);
		struct packet *copy = linear_alloc(segment.length);

		rest = view_part(rest, segment.length, rest.length);
		if (copy == NULL) {
			count(&rx_no_buffer);
			break;
		}
		memcpy(copy->data, segment.data, segment.length);
		enqueue(stack, port, copy, from);
	}
	packet_free(packet);
}

static bool checksum_is_fine(
	const struct packet *packet, const struct udp_header *udp, const struct ip_arrival *arrival)
{
	uint64_t sum;

	if (packet->flags & PACKET_CHECKSUM_PARTIAL)
		return true;
	if (!udp->has_checksum) {
		if (address_is_v4(&arrival->source))
			return true;
		count(&rx_no_checksum); /* RFC 8200 8.1 */
		return false;
	}
	if (packet->flags & PACKET_CHECKSUM_VALID)
		return true;
	sum = ip_pseudo_sum(&arrival->source, &arrival->destination, IP_UDP, udp->length);
	if (checksum_is_good(checksum_add(sum, packet->data, udp->length)))
		return true;
	count(&rx_bad_checksum);
	return false;
}

static bool header_is_fine(
	const struct packet *packet, struct udp_header *udp, const struct ip_arrival *arrival)
{
	if (!udp_parse(udp, packet_view(packet), packet->length) || udp->destination_port == 0) {
		count(&rx_malformed);
		return false;
	}
	return checksum_is_fine(packet, udp, arrival);
}

/* Which address of ours the datagram came to. A broadcast or multicast is answered from the one that is
 * nearest to its sender, not from the group's address (RFC 1122 3.2.1.3). */
static struct address local_address(const struct net_stack *stack, const struct ip_arrival *arrival)
{
	struct address nearest;

	if (!arrival->is_group)
		return arrival->destination;
	if (ip_source(stack, &arrival->source, &nearest))
		return nearest;
	return stack->addresses[0].prefix.address;
}

void udp_input(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival)
{
	struct udp_header udp;
	struct udp_port *port;
	struct udp_note from;

	if (!header_is_fine(packet, &udp, arrival)) {
		packet_free(packet);
		return;
	}
	port = port_find(&stack->udp, udp.destination_port);
	if (port == NULL) {
		count(&rx_no_port);
		ip_refuse_port(stack, packet, arrival);
		packet_free(packet);
		return;
	}
	from.source.address = arrival->source;
	from.source.port = udp.source_port;
	from.local.address = local_address(stack, arrival);
	from.local.port = udp.destination_port;
	packet->length = packet->total_length = udp.length;
	packet_pull(packet, UDP_HEADER_BYTES);
	if (packet->segmentation == SEGMENT_UDP && packet->segment_bytes > 0)
		enqueue_segments(stack, port, packet, &from);
	else
		enqueue(stack, port, packet, &from);
}

struct packet *udp_port_take(struct udp_port *port, struct endpoint *source, struct endpoint *local)
{
	struct packet *packet = packet_queue_take(&port->queue);
	const struct udp_note *note;

	if (packet == NULL)
		return NULL;
	port->queued_bytes -= packet->capacity;
	note = packet_note(packet, sizeof(*note));
	*source = note->source;
	*local = note->local;
	return packet;
}

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && address_equal(&a->address, &b->address);
}

void udp_port_note_peer(struct udp_port *port, const struct endpoint *remote)
{
	for (unsigned i = 0; i < UDP_PEERS; i++)
		if (endpoint_equal(&port->peers[i], remote))
			return;
	port->peers[port->peer_next] = *remote;
	port->peer_next = (uint8_t)((port->peer_next + 1) % UDP_PEERS);
}

void udp_report(struct udp_ports *ports, uint16_t number, const struct endpoint *remote)
{
	struct udp_port *port = port_find(ports, number);

	for (unsigned i = 0; port != NULL && i < UDP_PEERS; i++) {
		if (!endpoint_equal(&port->peers[i], remote))
			continue;
		if (port->error_count == UDP_ERRORS) {
			count(&rx_error_dropped);
			return;
		}
		port->errors[port->error_count++] = *remote;
		make_ready(ports, port);
		return;
	}
	count(&rx_error_unknown);
}

bool udp_port_take_error(struct udp_port *port, struct endpoint *remote)
{
	if (port->error_count == 0)
		return false;
	*remote = port->errors[0];
	port->error_count--;
	memmove(port->errors, port->errors + 1, port->error_count * sizeof(port->errors[0]));
	return true;
}

/* The address that we send from: `wanted`, if it is ours, or the route's. False if there is none. */
static bool choose_source(const struct net_stack *stack, const struct address *wanted,
	const struct address *to, struct address *source)
{
	static const struct address any;

	if (!address_equal(wanted, &any)) { /* RFC 1122 3.2.1.3: no source but our own */
		*source = *wanted;
		return address_is_v4(wanted) == address_is_v4(to) && ip_owns(stack, wanted);
	}
	if (ip_source(stack, to, source))
		return true;
	*source = stack->addresses[0].prefix.address;
	return address_is_v4(to) && net_stack_is_broadcast_v4(stack, address_to_v4(to)) &&
	       stack->address_count > 0;
}

static enum status refuse(struct packet *packet, struct counter *why, enum status status)
{
	count(why);
	packet_free(packet);
	return status;
}

enum status udp_output(struct net_stack *stack, struct packet *packet,
	const struct endpoint *source, const struct endpoint *to)
{
	struct udp_header udp = { .source_port = source->port, .destination_port = to->port };
	struct address from;
	uint64_t sum;
	uint8_t *header;

	if (to->port == 0) /* RFC 768: a datagram from port 0 wants no answer */
		return refuse(packet, &tx_no_port, INVALID_VALUE);
	if (!choose_source(stack, &source->address, &to->address, &from))
		return refuse(packet, &tx_no_source, UNREACHABLE);
	if (packet->total_length > UDP_PAYLOAD_MAX)
		return refuse(packet, &tx_too_long, TOO_LONG);
	header = packet_push(packet, UDP_HEADER_BYTES);
	if (header == NULL)
		return refuse(packet, &tx_no_headroom, NO_MEMORY);
	udp.length = (uint16_t)packet->total_length;
	udp_emit(header, &udp);
	packet->segmentation = SEGMENT_NONE;
	sum = ip_pseudo_sum(&from, &to->address, IP_UDP, udp.length);
	if (stack->device->features & NETDEV_CHECKSUM &&
		ip_fits(stack, &to->address, packet->total_length)) {
		packet->flags = PACKET_CHECKSUM_PARTIAL;
		packet->checksum_start = 0;
		packet->checksum_offset = UDP_CHECKSUM_OFFSET;
		checksum_store_partial(header + UDP_CHECKSUM_OFFSET, sum);
	} else {
		packet->flags = 0;
		udp_checksum_store(header, packet_sum(sum, packet));
	}
	count(&tx_datagrams);
	return ip_output(stack, packet, &from, &to->address, IP_UDP, 0);
}
