/*
 * The system calls of the C library, as functions of ours.
 *
 * musl is built so that its every system call is a call of one of these, chosen when musl is
 * compiled (libc/musl/syscall_arch.h): an image that never opens a socket carries no code for
 * sockets. Each function has the call's name after "libc_", takes its arguments as longs, and returns
 * what Linux would: a result, or a negative errno. A call that is not in this list answers -ENOSYS.
 *
 * This file is read in two places: here, and by musl's build, which has no other header of ours.
 */
#ifndef DIATOM_LIBC_CALLS_H
#define DIATOM_LIBC_CALLS_H

/* CALLn(name): a call with n arguments. */
#define LIBC_CALLS(CALL0, CALL1, CALL2, CALL3, CALL4, CALL6)                                       \
	/* libc/console.c: descriptors 0, 1 and 2, the only ones there are */                      \
	CALL3(read)                                                                                \
	CALL3(readv)                                                                               \
	CALL3(write)                                                                               \
	CALL3(writev)                                                                              \
	/* libc/descriptor.c */                                                                    \
	CALL1(close)                                                                               \
	CALL3(lseek)                                                                               \
	CALL2(fstat)                                                                               \
	CALL4(newfstatat)                                                                          \
	CALL3(ioctl)                                                                               \
	CALL3(fcntl)                                                                               \
	/* libc/mapping.c */                                                                       \
	CALL6(mmap)                                                                                \
	CALL2(munmap)                                                                              \
	CALL3(mprotect)                                                                            \
	CALL3(madvise)                                                                             \
	CALL1(brk)                                                                                 \
	/* libc/clock.c */                                                                         \
	CALL2(clock_gettime)                                                                       \
	CALL2(clock_getres)                                                                        \
	CALL2(gettimeofday)                                                                        \
	CALL2(nanosleep)                                                                           \
	CALL4(clock_nanosleep)                                                                     \
	/* libc/identity.c */                                                                      \
	CALL0(getpid)                                                                              \
	CALL0(getppid)                                                                             \
	CALL0(gettid)                                                                              \
	CALL0(getuid)                                                                              \
	CALL0(geteuid)                                                                             \
	CALL0(getgid)                                                                              \
	CALL0(getegid)                                                                             \
	CALL1(set_tid_address)                                                                     \
	/* libc/ending.c */                                                                        \
	CALL1(exit)                                                                                \
	CALL1(exit_group)                                                                          \
	CALL2(kill)                                                                                \
	CALL2(tkill)                                                                               \
	CALL4(rt_sigprocmask)                                                                      \
	/* libc/entropy.c */                                                                       \
	CALL3(getrandom)

#define LIBC_DECLARE0(name) long libc_##name(void);
#define LIBC_DECLARE1(name) long libc_##name(long a);
#define LIBC_DECLARE2(name) long libc_##name(long a, long b);
#define LIBC_DECLARE3(name) long libc_##name(long a, long b, long c);
#define LIBC_DECLARE4(name) long libc_##name(long a, long b, long c, long d);
#define LIBC_DECLARE6(name) long libc_##name(long a, long b, long c, long d, long e, long f);
LIBC_CALLS(LIBC_DECLARE0, LIBC_DECLARE1, LIBC_DECLARE2, LIBC_DECLARE3, LIBC_DECLARE4, LIBC_DECLARE6)

/* Any of them by its number, for syscall(2) and the like: whoever calls it links them all. */
long libc_call(long number, long a, long b, long c, long d, long e, long f);

/* Memory for the initial thread's variables when the C library's own small block doesn't do. Given
 * by the start code, which takes it from the main stack. */
void *libc_tls_memory(unsigned long bytes);

#endif
