/*
 * Linux is asked before CPUID is: where Linux is a guest itself, one CPUID takes as long as thirty
 * system calls. Linux knows which registers it saves, and no CPU has those of
 * AVX-512 without AVX2.
 */
#include "host/process/cpu.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/boot.h"
#include "host/monitor/vcpu.h"

/* State components (XCR0): SSE and AVX; with them the masks, upper halves and upper 16 registers. */
#define STATE_AVX    UINT64_C(0x06)
#define STATE_AVX512 UINT64_C(0xe6)

uint64_t cpu_features(void)
{
	uint64_t saved = 0;

	/* Before Linux 5.16 it doesn't tell. */
	if (syscall(SYS_arch_prctl, ARCH_GET_XCOMP_SUPP, &saved) != 0)
		return vcpu_features();
	if ((saved & STATE_AVX512) == STATE_AVX512)
		return BOOT_CPU_AVX2;
	return (saved & STATE_AVX) == STATE_AVX ? vcpu_features() : 0;
}
