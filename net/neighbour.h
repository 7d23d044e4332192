/*
 * Neighbour cache: which link address an on-link host has, and which packets wait to learn it.
 *
 *                    send, unknown                      answer
 *     (no entry) ------------------->  PENDING  ------------------------>  REACHABLE
 *         ^                            | 3 requests, 1 s apart: the wait       | 60 s without news
 *         |            1 s hold-down   v ends UNREACHABLE                      v
 *         +--------------------------- FAILED             in use: PROBED (3 unicast requests, 1 s
 *         ^                                               apart; packets flow on), else forgotten
 *         +----------------------------------------------------- no answer ---+
 *
 * STALE (IPv6 only) is what a host told of itself without having been asked: usable, but as nobody knows
 * whether it hears us, an entry in use becomes PROBED within 5 s (RFC 4861's DELAY), another one is
 * forgotten after a minute.
 *
 * The cache is bounded in entries and in waiting packets. What hosts tell us unasked may replace what
 * was longest unused, never an entry that packets wait for; and those are at most half of the cache.
 * It serves both IP families; net/resolve.c drives it.
 */
#ifndef DIATOM_NET_NEIGHBOUR_H
#define DIATOM_NET_NEIGHBOUR_H

#include "diatom/address.h"
#include "diatom/packet.h"
#include "diatom/time.h"
#include "wire/ethernet.h"

#define NEIGHBOUR_COUNT		 256
#define NEIGHBOUR_BUCKETS	 128
#define NEIGHBOUR_PENDING_MAX	 (NEIGHBOUR_COUNT / 2)
#define NEIGHBOUR_WAITING_MAX	 64  /* packets for one: all fragments of the largest datagram */
#define NEIGHBOUR_WAITING_TOTAL	 256 /* packets for all */
#define NEIGHBOUR_REQUESTS	 3
#define NEIGHBOUR_REQUEST_EVERY	 SECONDS(1) /* RFC 1122 2.3.2.1: at most one a second */
#define NEIGHBOUR_REACHABLE_TIME SECONDS(60)
#define NEIGHBOUR_HOLD_DOWN	 SECONDS(1)
#define NEIGHBOUR_STALE_LOOK	 SECONDS(5) /* RFC 4861 10: DELAY_FIRST_PROBE_TIME */
#define NEIGHBOUR_STALE_TIME	 SECONDS(60)
#define NEIGHBOUR_UNDECIDED	 MILLISECONDS(250) /* our address is none to be answered at yet */

enum neighbour_state {
	NEIGHBOUR_FREE,
	NEIGHBOUR_PENDING,
	NEIGHBOUR_REACHABLE,
	NEIGHBOUR_STALE,
	NEIGHBOUR_PROBED,
	NEIGHBOUR_FAILED,
};

struct neighbour {
	struct address address;
	struct neighbour *next;		       /* in its bucket, or in the free list */
	uint8_t header[ETHERNET_HEADER_BYTES]; /* of frames to it, when it is usable */
	uint8_t state;			       /* enum neighbour_state */
	uint8_t requests;		       /* sent in this state */
	instant deadline;		       /* when the state ends or repeats */
	instant confirmed;		       /* when it last told its link address */
	instant used;			       /* when a packet was last sent to it; 0: never */
	struct packet_queue waiting;
};

struct neighbour_cache {
	struct neighbour *buckets[NEIGHBOUR_BUCKETS];
	struct neighbour *free_list;
	uint64_t key; /* secret of the hash */
	unsigned pending;
	unsigned waiting;
	struct neighbour entries[NEIGHBOUR_COUNT];
};

void neighbour_cache_init(struct neighbour_cache *cache, uint64_t key);

/* The entry of that address, or NULL. */
struct neighbour *neighbour_find(struct neighbour_cache *cache, const struct address *address);

/* May one more address be asked for? False (counted) when half of the cache is pending. What hosts tell
 * us of their own accord is learned even then. */
bool neighbour_may_ask(const struct neighbour_cache *cache);

/*
 * A new entry in state PENDING without packets; what was longest unused makes room. Whoever lets it
 * stay pending must have asked neighbour_may_ask. `evicted` is set if an entry was lost.
 */
struct neighbour *neighbour_add(
	struct neighbour_cache *cache, const struct address *address, bool *evicted);

/* Moves it to a state, keeping the books on pending entries. */
void neighbour_set_state(
	struct neighbour_cache *cache, struct neighbour *n, enum neighbour_state state);

/* Lets a packet wait for the address; at a limit the oldest of this entry goes, or it itself. */
void neighbour_wait(struct neighbour_cache *cache, struct neighbour *n, struct packet *packet);

/* The next waiting packet, now the caller's, or NULL. */
struct packet *neighbour_take(struct neighbour_cache *cache, struct neighbour *n);

/* Forgets the entry; packets still waiting are dropped and counted. */
void neighbour_remove(struct neighbour_cache *cache, struct neighbour *n);

static inline bool neighbour_is_usable(const struct neighbour *n)
{
	return n->state == NEIGHBOUR_REACHABLE || n->state == NEIGHBOUR_STALE ||
	       n->state == NEIGHBOUR_PROBED;
}

#endif
