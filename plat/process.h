/*
 * The process target's half of plat/plat.h: platform calls made out of system calls.
 *
 * plat/plat.c asks boot_info.target and calls either the stub of the monitor or shim
 * (plat/call.h) or one of these. Each does for a process what abi/call.h says of the platform
 * call. All system calls go through plat_syscall, which calls boot_info.syscall.
 */
#ifndef DIATOM_PLAT_PROCESS_H
#define DIATOM_PLAT_PROCESS_H

#include <stddef.h>

#include "diatom/time.h"

/* Waits in ppoll for the watched descriptors, INT or TERM, or the deadline; AT_ONCE returns at once. */
void process_sleep(instant deadline);

_Noreturn void process_exit(int code);

/* Writes all of it to standard output, over partial writes and EINTR; gives up at any other error. */
void process_console_write(const void *data, size_t length);

/* Reports `why` to the host, which prints the crash report. */
_Noreturn void process_crash(const char *why, size_t length);

/* Makes one page of the stack window inaccessible for good. */
void process_guard_install(void *page);

/* A descriptor whose readability ends process_sleep; at most BOOT_DEVICES_MAX. */
void process_watch(int fd);
void process_unwatch(int fd);

#endif
