/*
 * syscall(2): any call by its number. Links every function of libc/calls.h, so only images that call
 * it pay for it.
 */
#include <errno.h>
#include <sys/syscall.h>

#include "libc/calls.h"

#define CASE0(name)                                                                                \
	case SYS_##name:                                                                           \
		return libc_##name();
#define CASE1(name)                                                                                \
	case SYS_##name:                                                                           \
		return libc_##name(a);
#define CASE2(name)                                                                                \
	case SYS_##name:                                                                           \
		return libc_##name(a, b);
#define CASE3(name)                                                                                \
	case SYS_##name:                                                                           \
		return libc_##name(a, b, c);
#define CASE4(name)                                                                                \
	case SYS_##name:                                                                           \
		return libc_##name(a, b, c, d);
#define CASE6(name)                                                                                \
	case SYS_##name:                                                                           \
		return libc_##name(a, b, c, d, e, f);

long libc_call(long number, long a, long b, long c, long d, long e, long f)
{
	switch (number) {
		LIBC_CALLS(CASE0, CASE1, CASE2, CASE3, CASE4, CASE6)
	default:
		return -ENOSYS;
	}
}
