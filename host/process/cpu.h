/*
 * What a body in a process may use of the CPU.
 */
#ifndef DIATOM_PROCESS_CPU_H
#define DIATOM_PROCESS_CPU_H

#include <stdint.h>

/*
 * BOOT_CPU_AVX2 or 0 (enum boot_cpu_feature), and BOOT_CPU_RDRAND only where it costs nothing to know:
 * in a process the seed is of the kernel, which has mixed that in itself.
 */
uint64_t cpu_features(void);

#endif
