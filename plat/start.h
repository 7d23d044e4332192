/*
 * What the entry point hands over to: the C library's start, which calls main. Implemented in
 * libc/start.c.
 */
#ifndef DIATOM_PLAT_START_H
#define DIATOM_PLAT_START_H

#include "abi/boot.h"

_Noreturn void libc_start(const struct boot_info *boot);

#endif
