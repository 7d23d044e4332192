/*
 * UDP's state machine: ports, their bounded queues, and datagrams in and out. The blocking sockets of
 * diatom/udp.h stand on it (udp_socket.c); the simulator uses it directly.
 */
#ifndef DIATOM_NET_UDP_H
#define DIATOM_NET_UDP_H

#include "diatom/address.h"
#include "diatom/memory.h"
#include "diatom/packet.h"

struct net_stack;
struct ip_arrival;

#define UDP_BUCKETS	   64
#define UDP_QUEUE_COUNT	   512		/* datagrams waiting in a port, by default */
#define UDP_QUEUE_BYTES	   MEBIBYTES(1) /* of buffers that they hold */
#define UDP_PEERS	   8 /* how many endpoints that were sent to are remembered, for errors */
#define UDP_ERRORS	   4
#define UDP_EPHEMERAL_FROM 49152 /* RFC 6335 6; chosen as RFC 6056 3.3.1 has it */
#define UDP_PAYLOAD_MAX	   65507 /* of both families: what IPv4 leaves */

struct udp_port {
	struct udp_port *next; /* of the same bucket */
	struct udp_port *next_ready;
	bool is_ready; /* stands in the list of those to be woken */
	uint16_t number;
	uint32_t limit_count;
	size_t limit_bytes, queued_bytes;
	struct packet_queue queue;
	void (*ready)(
		struct udp_port *port); /* something came: called once for a batch of frames */
	/* Those it sent to of its own accord, the latest at peer_next - 1; and news of failures. */
	struct endpoint peers[UDP_PEERS];
	struct endpoint errors[UDP_ERRORS];
	uint8_t peer_next, error_count;
};

struct udp_ports {
	struct udp_port *buckets[UDP_BUCKETS];
	struct udp_port *ready;
};

/*
 * Opens the port (zeroed memory of the caller but for `ready`) under a number, or under a free
 * ephemeral one for 0. IN_USE.
 */
enum status udp_port_bind(struct net_stack *stack, struct udp_port *port, uint16_t number);

/* Closes it and drops what is queued. */
void udp_port_unbind(struct net_stack *stack, struct udp_port *port);

/* The next datagram, its payload in one fragment; it is the caller's. NULL when there is none. */
struct packet *udp_port_take(
	struct udp_port *port, struct endpoint *source, struct endpoint *local);

/* The next endpoint that couldn't be reached; false when there is none. */
bool udp_port_take_error(struct udp_port *port, struct endpoint *remote);

/* Remembers that the port sent to `remote`: errors about it will be believed. */
void udp_port_note_peer(struct udp_port *port, const struct endpoint *remote);

/*
 * Takes the payload and sends it. `source`'s address may be all zero: the route's is taken. Statuses
 * as ip_output; INVALID_VALUE for port 0.
 */
enum status udp_output(struct net_stack *stack, struct packet *packet,
	const struct endpoint *source, const struct endpoint *to);

/* A datagram, `data` at its header, in one fragment; takes it. */
void udp_input(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival);

/* What `number` sent to `remote` failed. */
void udp_report(struct udp_ports *ports, uint16_t number, const struct endpoint *remote);

/* Calls `ready` of every port that got something since the last time. */
void udp_ports_wake(struct udp_ports *ports);

/* Calls `ready` of every port. */
void udp_ports_wake_all(struct udp_ports *ports);

#endif
