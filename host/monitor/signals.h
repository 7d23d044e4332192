/*
 * INT, TERM, the time limit and input from gdb, delivered without a race.
 *
 * The first INT or TERM asks the body to finish: its host page counts it, and the body wakes. The
 * second ends the monitor with 128 + signal. The time limit ends it with EXIT_TIMED_OUT, the end of a
 * helper that carries its network, before it was asked to finish, with EXIT_HOST_LACKS.
 *
 * The thread is always either in KVM_RUN, in ppoll or between. A signal in KVM_RUN or ppoll ends the
 * call. Between, the handler has already set what makes the next call return at once: immediate_exit
 * for KVM_RUN, a zero timeout for ppoll, which is why ppoll is given what signals_arm returns and nothing
 * else. A write to a console that nobody reads is given up when the guest is to end.
 */
#ifndef DIATOM_MONITOR_SIGNALS_H
#define DIATOM_MONITOR_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "host/monitor/guest.h"

/* Handles INT, TERM, ALRM and, with a helper, CHLD from now on; `timeout_ns` 0: no limit. 0 or a negative errno. */
int signals_start(struct guest *guest, int64_t timeout_ns);

/* A signal came that the run loop must act on: ends the guest, or lets it run on to see the request. */
void signals_take(struct guest *guest);

/* Did the time limit pass? */
bool signals_is_late(void);

/* The signal that killed a helper and so ended the guest; 0: none, or it said itself why it ended. */
int signals_orphaned_by(void);
/* What a run ends with whose time is up, or that was asked to finish once too often. */
int signals_exit_code(void);

/* From now on, input on the descriptor (gdb's) ends KVM_RUN and ppoll, too. 0 or a negative errno. */
int signals_watch(int fd);

/* Input came since the last call. */
bool signals_take_input(void);

/* A request came that the body has not woken up for yet (it is cleared), or time is up. */
bool signals_wake(void);

/*
 * The timeout to give to ppoll, `left_ns` from now (INT64_MAX: none); NULL if a signal came before:
 * then don't sleep. A signal that comes later zeroes it.
 */
struct timespec *signals_arm(int64_t left_ns);

#endif
