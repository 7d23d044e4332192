/*
 * The body's address space inside this process. Each region has a random place of its own:
 *
 *     image    text R-X, constants and relro R--, data RW-
 *     heap     multiple of 2 MiB, huge pages where the kernel has them, nothing reserved
 *     stacks   the window of abi/boot.h, only for images with fibers
 *     main     the main stack
 *     boot     boot info, argument strings R-- | system call stub R-X | host page RW-
 *     files    where they were read, R--
 *     trace    ring of abi/trace.h RW-, only when somebody watches
 */
#ifndef DIATOM_HOST_PROCESS_SPACE_H
#define DIATOM_HOST_PROCESS_SPACE_H

#include "host/run.h"

struct space {
	struct boot_info *boot; /* the body's; writable until space_seal */
	struct boot_host_page *page;
	uint64_t stub;	     /* `syscall; ret` */
	uint64_t entry;	     /* of the image */
	uint64_t stack_top;  /* of the main stack */
	uint64_t boot_bytes; /* of boot info and strings, whole pages */
};

#define SPACE_STUB_RETURN 2 /* bytes from `stub` to behind its syscall instruction */

/* Maps all, loads and seals the image, fills in boot info but for devices and the clock. 0, or the
 * exit code after having said why. */
int space_make(struct space *space, const struct run_config *config, const struct image *image);

/* Makes boot info and files read-only and the stub executable. 0 or a negative errno. */
int space_seal(const struct space *space, const struct run_config *config);

#endif
