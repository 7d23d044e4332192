/* Which registers the memory functions use, see wide.h. */
#include "libc/wide.h"

#include "abi/boot.h"

bool wide_is_on;

void wide_choose(uint64_t cpu_features)
{
	wide_is_on = cpu_features & BOOT_CPU_AVX2;
}
