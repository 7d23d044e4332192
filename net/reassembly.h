/*
 * Reassembly of fragments of IPv4 (RFC 791 3.2, RFC 1122 3.3.2) and IPv6 (RFC 8200 4.5), bounded in
 * datagrams, bytes and time.
 *
 * A datagram is known by source, destination, identification and, of IPv4, protocol. Its fragments wait in
 * order of offset, in the buffers that they came in:
 *
 *     [0, 1480) -> [1480, 2960) ->      hole     -> [4440, 5000) last
 *
 * Fragments that overlap are an attack (RFC 1858, 3128) or a misuse of the identification: the whole
 * datagram is dropped and what else comes of it too (RFC 5722). An exact duplicate,
 * which networks do make, is just dropped. When a limit is reached the oldest datagram goes.
 */
#ifndef DIATOM_NET_REASSEMBLY_H
#define DIATOM_NET_REASSEMBLY_H

#include "diatom/address.h"
#include "diatom/memory.h"
#include "diatom/packet.h"
#include "diatom/time.h"

struct net_stack;
struct ip_arrival;

#define REASSEMBLY_DATAGRAMS  64
#define REASSEMBLY_BYTES      KIBIBYTES(512) /* of buffers held */
#define REASSEMBLY_BYTES_EACH KIBIBYTES(256)
#define REASSEMBLY_SOURCE_MAX 16	  /* datagrams of one source */
#define REASSEMBLY_TIME	      SECONDS(60) /* RFC 1122 3.3.2, RFC 8200 4.5 */

struct reassembly_datagram {
	struct reassembly_datagram *next; /* older first; or the next free one */
	struct address source, destination;
	uint32_t id;
	uint8_t protocol;    /* of IPv6: 0, only the first fragment's counts */
	bool is_poisoned;    /* overlapped: everything of it is dropped until its time is over */
	uint32_t total;	     /* payload bytes, known with the last fragment; 0 before */
	uint32_t received;   /* payload bytes */
	uint32_t held_bytes; /* of buffers */
	instant deadline;
	struct packet *first, *last; /* by offset */
};

struct reassembly {
	struct reassembly_datagram *oldest, *free_list;
	uint32_t held_bytes;
	struct reassembly_datagram datagrams[REASSEMBLY_DATAGRAMS];
};

struct reassembly_fragment {
	uint32_t id;
	uint32_t offset; /* of the datagram's payload */
	bool more;
	uint8_t protocol; /* of IPv6: the fragment header's next header */
};

void reassembly_init(struct reassembly *reassembly);

/* A fragment, `data` at its payload; takes it. Delivers the datagram when it is whole. */
void reassembly_input(struct net_stack *stack, struct packet *packet,
	const struct ip_arrival *arrival, const struct reassembly_fragment *fragment);

/* Drops the datagrams whose time is over; lowers stack->deadline to the next. */
void reassembly_tick(struct net_stack *stack);

#endif
