/*
 * What `diatom profile` and `diatom trace` ask of the target that runs a body (run_config.observer;
 * NULL: nobody watches, and nothing here is touched).
 *
 *     parent   reads the rings, writes the files          host/observe/session.h
 *     child    diatom run, with this; jailed as ever      sampler.h, and the body itself
 */
#ifndef DIATOM_HOST_OBSERVE_OBSERVER_H
#define DIATOM_HOST_OBSERVE_OBSERVER_H

#include <stdint.h>

struct ring;

/* Shared memory: what the child tells its parent, beside the rings. */
struct observed {
	uint64_t image; /* where the image was loaded; 0: not yet */
	uint64_t ticks; /* of the sampler's timer: those that came while the body slept, in all */
	uint64_t ticks_asleep;
};

struct observer {
	struct observed *told;
	struct ring *samples; /* NULL: no profile */
	unsigned hz;
	struct ring *events;  /* the body's trace; NULL: no trace */
	struct ring *monitor; /* the monitor's own, with the body's clock; NULL: no trace */
};

#endif
