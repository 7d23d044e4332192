/*
 * Pairs of talkers: streams in both directions between hosts that listen on port 7 and hosts that connect to
 * them, with random manners; and whether all of it arrived.
 */
#ifndef DIATOM_TEST_SIM_PAIRS_H
#define DIATOM_TEST_SIM_PAIRS_H

#include "test/sim/sim_tcp.h"

#define SIM_PAIRS_MAX 16
#define SIM_PAIR_PORT 7

struct sim_pair {
	struct sim_talker here, there; /* who opens, who accepts */
	struct sim_tcp *opener, *listener;
	struct address address; /* the listener's */
	/* NULL: sim_pair_open. A test's own way calls that, too. */
	void (*open)(struct sim_pair *pair);
};

/* Forgets all pairs and talkers. */
void sim_pairs_start(void);
/* One more, with random streams, which opens within 20 ms from now. Its talkers may be changed until then. */
struct sim_pair *sim_pairs_add(
	struct sim_tcp *opener, struct sim_tcp *listener, struct address listener_address);
/* Each end awaits what the other is to send: again after a change. */
void sim_pair_agree(struct sim_pair *pair);
void sim_pair_open(struct sim_pair *pair);
/* A port's `ready`: each connection goes to the talker whose pair it is. */
void sim_pairs_accept(struct tcp_port *port);
/* Has everyone sent and read all, and is no connection left? For sim_run. */
bool sim_pairs_are_done(void *unused);
/* What is wrong with the pairs, in words that are good until the next call; NULL: nothing. */
const char *sim_pairs_fault(void);

#endif
