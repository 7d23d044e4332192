/*
 * The ways to end: exit and its kin, and abort, whose signal becomes a crash report.
 */
#include <errno.h>
#include <signal.h>

#include "diatom/assert.h"
#include "libc/calls.h"
#include "plat/plat.h"

long libc_exit_group(long code)
{
	plat_exit((int)code);
}

long libc_exit(long code)
{
	plat_exit((int)code);
}

static long signal_self(long number)
{
	switch (number) {
	case 0:
		return 0;
	case SIGABRT:
		image_crash("abort() was called");
	default:
		image_crash("the program sent itself a signal");
	}
}

long libc_kill(long process, long number)
{
	return process == 1 || process == 0 ? signal_self(number) : -ESRCH;
}

long libc_tkill(long thread, long number)
{
	return thread == 1 ? signal_self(number) : -ESRCH;
}

/* There are no asynchronous signals to hold back. */
long libc_rt_sigprocmask(long how, long set, long old, long bytes)
{
	if (old)
		for (long i = 0; i < bytes; i++)
			((uint8_t *)old)[i] = 0;
	return 0;
}
