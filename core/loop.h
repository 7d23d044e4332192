/*
 * The run loop: what the one vCPU does all day.
 *
 *     forever:
 *         run what is posted, then fibers that are ready (a bounded batch)
 *         expire timers
 *         poll the devices; their frames wake fibers
 *         nothing to do?  poll on for boot_info.spin_ns, then prepare_sleep on all pollers, then
 *         plat_sleep(next timer)
 *
 * It has no context of its own: a fiber that blocks runs the loop on its own stack until some fiber
 * is ready, then switches to that one (or returns, if it is itself).
 */
#ifndef DIATOM_CORE_LOOP_H
#define DIATOM_CORE_LOOP_H

#include <stdbool.h>

/* Something the loop asks for work on each turn: a network stack, a console. Memory of the owner. */
struct poller {
	bool (*poll)(struct poller *poller); /* true: there was work */
	/* Arm the wake-up; true: work came in meanwhile, don't sleep. */
	bool (*prepare_sleep)(struct poller *poller);
	struct poller *next; /* kept by the loop */
};

/* Adds a poller for good. */
void loop_add_poller(struct poller *poller);

/*
 * One turn of everything but fibers; sleeps if nothing is ready and `may_sleep`. Called by the fiber
 * scheduler, and directly by programs (tests, the hosted simulator) that have no fibers.
 */
void loop_turn(bool may_sleep);

#endif
