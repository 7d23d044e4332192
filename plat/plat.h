/*
 * Platform: the body's side of abi/boot.h and abi/call.h, the same on every target.
 *
 * plat/ is the only folder that knows which target it runs on. Files: start.c (entry point), plat.c
 * (which target makes the call), given.c (devices and blobs handed over), time.c, crash.c, call.S (monitor
 * and shim stub calls), process.c and syscall.S (the same calls out of system calls), hosted.c (the same
 * over libc, for tests).
 */
#ifndef DIATOM_PLAT_H
#define DIATOM_PLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/boot.h"
#include "diatom/time.h"

/* Set by the start code before anything else runs; never NULL afterwards. */
extern const struct boot_info *plat_boot;

/*
 * Waits until a device has news, the image is asked to finish, or `deadline`; lets the host serve
 * the devices. AT_ONCE only serves them. May return early.
 */
void plat_sleep(instant deadline);

/* How often INT or TERM came so far: 0 while nobody asked the image to finish. */
unsigned plat_finish_requests(void);

/* A call of abi/call.h that only the shim has. */
void plat_shim_call(uint32_t number, uint64_t first, uint64_t second);

/* Ends the image. The low 8 bits are the exit code. */
_Noreturn void plat_exit(int code);

/* Writes to the console. May block. */
void plat_console_write(const void *data, size_t length);

/* Ends the image with a crash report that shows `why`. */
_Noreturn void plat_crash(const char *why, size_t length);

/* The guest-physical address of a byte of the heap or image; crashes for any other address. */
uint64_t plat_physical(const void *address);

/* Makes a page of the stack window inaccessible for good. Process only; nothing elsewhere. */
void plat_guard_install(void *page);

/*
 * Process and hosted: a file descriptor whose readability ends plat_sleep. At most
 * BOOT_DEVICES_MAX. Nothing elsewhere.
 */
void plat_watch(int fd);
void plat_unwatch(int fd);

/* Process and hosted: a raw system call; the result as Linux has it (negative errno). */
long plat_syscall(long number, long a, long b, long c, long d, long e, long f);

/* The device of that kind and name, or NULL. An empty name matches the first of the kind. */
const struct boot_device *plat_device(uint32_t kind, const char *name);

/* IPv6 of a net device; empty texts if the host knows none. */
const struct boot_ip6 *plat_ip6(const struct boot_device *device);

/* The blob handed over under that name, or NULL. */
const struct boot_blob *plat_blob(const char *name);

/* Is heap memory zero that nobody has touched yet? */
static inline bool plat_heap_is_zeroed(void)
{
	return plat_boot->target != BOOT_SHIM;
}

static inline bool plat_is_vm(void)
{
	return plat_boot->target == BOOT_MONITOR || plat_boot->target == BOOT_SHIM;
}

#endif
