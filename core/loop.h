/*
 * The run loop: what the one vCPU does all day.
 *
 *     forever:
 *         run what is posted (a bounded batch), expire timers
 *         poll the devices; their frames wake fibers
 *         nothing happened?  poll on for boot_info.spin_ns, then prepare_sleep on all pollers, then
 *         plat_sleep(next timer)
 *         run fibers that are ready (a bounded batch)
 *
 * It runs on the main stack, in the frame in which main() blocks: whichever fiber blocks, when no
 * other is ready the main stack is switched to and turns the loop until one is. So devices, tasks and
 * timers have the main stack's room, however small the fibers' stacks are.
 *
 * On our own monitor devices move only inside platform calls, since it has one thread. A body that
 * never idles therefore serves them itself: see LOOP_SERVE_NS.
 */
#ifndef DIATOM_CORE_LOOP_H
#define DIATOM_CORE_LOOP_H

#include <stdbool.h>

#include "diatom/time.h"

/* Something the loop asks for work on each turn: a network stack, a console. Memory of the owner. */
struct poller {
	bool (*poll)(struct poller *poller); /* true: there was work */
	/* Arm the wake-up; true: work came in meanwhile, don't sleep. */
	bool (*prepare_sleep)(struct poller *poller);
	struct poller *next; /* kept by the loop */
};

/* Adds a poller for good. */
void loop_add_poller(struct poller *poller);

/* The time at the start of the loop's turn: for pollers and tasks that need no better, without asking
 * the clock, which costs a process some 30 ns. */
instant loop_now(void);

/* A busy body with devices makes a platform call at least this often, on targets that need it. A call
 * costs about 26 us where exits are slow, nothing to speak of elsewhere. */
#define LOOP_SERVE_NS MICROSECONDS(100)

/*
 * One turn of everything but fibers; sleeps if nothing happened in it and `may_sleep`. Called by the fiber
 * scheduler, and directly by programs (tests, the hosted simulator) that have no fibers.
 */
void loop_turn(bool may_sleep);

#endif
