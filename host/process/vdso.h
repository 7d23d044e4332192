/*
 * The vDSO: code of the kernel's in every process, which reads the clock without a system call.
 */
#ifndef DIATOM_HOST_PROCESS_VDSO_H
#define DIATOM_HOST_PROCESS_VDSO_H

#include <stdint.h>

/* The address of a function of the vDSO, 0 if there is none. */
uint64_t vdso_function(const char *name);

#endif
