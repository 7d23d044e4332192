/*
 * The guest crashed: collect what is known, print it (host/crash/report.h), end the guest.
 */
#ifndef DIATOM_MONITOR_CRASH_H
#define DIATOM_MONITOR_CRASH_H

#include "host/crash/report.h"
#include "host/monitor/guest.h"

/* KVM's registers, as reports have them. */
struct crash_registers crash_registers_of(const struct kvm_regs *registers);

/* An exception stub reported. */
void crash_exception(struct guest *guest);

/* The body made a platform call that it may not make, or touched what it may not. */
void crash_call(struct guest *guest, const char *why);

/* The body said that it crashed, and why. */
void crash_told(struct guest *guest, const char *why);

#endif
