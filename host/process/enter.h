/*
 * The step from loader to body.
 */
#ifndef DIATOM_HOST_PROCESS_ENTER_H
#define DIATOM_HOST_PROCESS_ENTER_H

#include <stdint.h>

#include "abi/boot.h"

/* Enters the body as abi/boot.h says: on its main stack, all registers but rdi zero. */
_Noreturn void process_enter(const struct boot_info *boot, uint64_t entry, uint64_t stack_top);

#endif
