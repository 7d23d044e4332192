/*
 * Replaces musl's arch/x86_64/syscall_arch.h: a system call becomes an ordinary function call.
 *
 * The number is nearly always a constant, so after inlining the switch is one call, and the linker
 * drops the functions that nothing calls. A number that isn't constant goes to libc_call.
 */
#include "calls.h"

#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

#define LIBC_CASE0(name)                                                                           \
	case __NR_##name:                                                                          \
		return libc_##name();
#define LIBC_CASE1(name)                                                                           \
	case __NR_##name:                                                                          \
		return libc_##name(a);
#define LIBC_CASE2(name)                                                                           \
	case __NR_##name:                                                                          \
		return libc_##name(a, b);
#define LIBC_CASE3(name)                                                                           \
	case __NR_##name:                                                                          \
		return libc_##name(a, b, c);
#define LIBC_CASE4(name)                                                                           \
	case __NR_##name:                                                                          \
		return libc_##name(a, b, c, d);
#define LIBC_CASE6(name)                                                                           \
	case __NR_##name:                                                                          \
		return libc_##name(a, b, c, d, e, f);

static __inline __attribute__((__always_inline__)) long __syscall_fold(
	long n, long a, long b, long c, long d, long e, long f)
{
	if (!__builtin_constant_p(n))
		return libc_call(n, a, b, c, d, e, f);
	switch (n) {
		LIBC_CALLS(LIBC_CASE0, LIBC_CASE1, LIBC_CASE2, LIBC_CASE3, LIBC_CASE4, LIBC_CASE6)
	}
	return -ENOSYS;
}

static __inline __attribute__((__always_inline__)) long __syscall0(long n)
{
	return __syscall_fold(n, 0, 0, 0, 0, 0, 0);
}

static __inline __attribute__((__always_inline__)) long __syscall1(long n, long a)
{
	return __syscall_fold(n, a, 0, 0, 0, 0, 0);
}

static __inline __attribute__((__always_inline__)) long __syscall2(long n, long a, long b)
{
	return __syscall_fold(n, a, b, 0, 0, 0, 0);
}

static __inline __attribute__((__always_inline__)) long __syscall3(long n, long a, long b, long c)
{
	return __syscall_fold(n, a, b, c, 0, 0, 0);
}

static __inline __attribute__((__always_inline__)) long __syscall4(
	long n, long a, long b, long c, long d)
{
	return __syscall_fold(n, a, b, c, d, 0, 0);
}

static __inline __attribute__((__always_inline__)) long __syscall5(
	long n, long a, long b, long c, long d, long e)
{
	return __syscall_fold(n, a, b, c, d, e, 0);
}

static __inline __attribute__((__always_inline__)) long __syscall6(
	long n, long a, long b, long c, long d, long e, long f)
{
	return __syscall_fold(n, a, b, c, d, e, f);
}

#define IPC_64 0
