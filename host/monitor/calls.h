/*
 * Platform calls (abi/call.h), as the monitor carries them out.
 */
#ifndef DIATOM_MONITOR_CALLS_H
#define DIATOM_MONITOR_CALLS_H

#include "host/monitor/guest.h"

/* Acts on the call whose registers the vcpu stopped with. May end the guest. */
void calls_act(struct guest *guest);

#endif
