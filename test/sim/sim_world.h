/*
 * A world for simulations: stacks on links, virtual time, and everything that networks do to packets,
 * all of it from one seed. The same seed gives the same run, to the last packet.
 *
 *     host A --+             +-- host C       a link carries each frame to all other hosts on it,
 *              +--- link ----+                with a delay of its own for each, or loses, doubles,
 *     host B --+             +-- host D       or damages it
 *
 * The hosts run the real stack (net/): its device is a link's end, its clock the world's. Links are joined by
 * routers (test/sim/sim_router.h).
 */
#ifndef DIATOM_TEST_SIM_WORLD_H
#define DIATOM_TEST_SIM_WORLD_H

#include "diatom/task.h" /* CONTAINER_OF */
#include "net/ipv6.h"
#include "net/stack.h"

#define SIM_HOSTS_MAX 32

/* What a link does to a frame; chances are in a million. All of it may change while it is in use. */
struct sim_link {
	duration delay_least, delay_most;   /* the spread reorders */
	uint32_t loss, duplication, damage; /* damage: one flipped bit */
	uint32_t burst; /* from this frame on all are lost, for up to burst_most */
	duration burst_most;
	uint32_t late; /* a frame is overtaken: it takes late_by longer */
	duration late_by;
	uint32_t split;		 /* received in several buffers, as with mergeable ones */
	uint32_t features;	 /* enum netdev_features of the hosts on it */
	uint64_t bytes_a_second; /* in each direction; 0: no limit. Then a queue of */
	uint32_t queue_bytes; /* bytes, whose tail is dropped, and which marks ECN when half full */
	uint16_t mtu;
	uint16_t mtu_through; /* longer packets are lost on the way: a black hole; 0: none are */
	bool is_cut;	      /* a partition: nothing passes */
	struct sim_host *hosts[SIM_HOSTS_MAX];
	unsigned host_count;
	uint64_t carried, lost, duplicated, damaged; /* frames */
	instant burst_until;
	/* When set: sees every frame that a host sends; false loses it. */
	bool (*tap)(struct sim_link *link, const uint8_t *frame, size_t length);
};

struct sim_host {
	struct netdev device;
	struct net_stack stack;
	struct ipv6_host ipv6; /* used when its prefix is one */
	struct sim_link *link;
	instant sending_until; /* the link is busy with its frames until then */
	/* A station that is no host: what comes goes there, which takes it; its stack isn't used. */
	void (*arrive)(struct sim_host *host, struct packet *frame);
};

/* Starts anew at time 1 s with nothing scheduled. One world at a time. */
void sim_start(uint64_t seed);
/* Frees what is scheduled. */
void sim_end(void);

instant sim_now(void);
uint32_t sim_random(void);
/* Uniform in [least, most]. */
uint32_t sim_between(uint32_t least, uint32_t most);
bool sim_chance(uint32_t in_a_million);

/* A random link: from kind to cruel. */
void sim_link_random(struct sim_link *link);
/* A link that loses nothing and takes no time. */
void sim_link_perfect(struct sim_link *link);

/* Called at every step with all that holds at all times; NULL: nothing is checked. */
void sim_check_always(void (*check)(void));

/* Puts a host with MAC 02:00:00:00:00:`number` and address `prefix` ("10.0.0.1/24", "fd00::1/64") on the
 * link. */
void sim_host_start(
	struct sim_host *host, struct sim_link *link, uint8_t number, const char *prefix);
/* The same without a stack, for a station that sets `arrive` and sends by its device. */
void sim_station_start(
	struct sim_host *host, struct sim_link *link, uint8_t number, const char *name);
/* Closes nothing, but drops what the stack holds: neighbours' queues and fragments. */
void sim_host_end(struct sim_host *host);

/* Hands a raw frame to one host, at once. */
void sim_inject(struct sim_host *host, const void *frame, size_t length);

/* Puts a raw frame on the host's link, as if the host had sent it: behind what it sends itself. */
void sim_emit(struct sim_host *from, const void *frame, size_t length);

/* Calls run(argument) at `when`. */
void sim_at(instant when, void (*run)(void *argument), void *argument);

/* Lets the world run until `when`, or until is_done() holds; true in the latter case. */
bool sim_run(instant when, bool (*is_done)(void *argument), void *argument);

/* Prints each frame with its fate to the standard output, one line each: see test/sim/sim_trace.c. */
void sim_trace(bool is_on);

/* A digest of all frames carried so far: equal for equal seeds. */
uint64_t sim_digest(void);

/* Packets in use, of all pools: 0 differs from the start when some leaked. */
size_t sim_packets(void);

#endif
