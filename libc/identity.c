/*
 * Who an image is: process 1, its only thread, and root of a world in which nobody else lives.
 */
#include "libc/calls.h"

long libc_getpid(void)
{
	return 1;
}

long libc_getppid(void)
{
	return 0;
}

long libc_gettid(void)
{
	return 1;
}

long libc_set_tid_address(long address)
{
	return 1;
}

long libc_getuid(void)
{
	return 0;
}

long libc_geteuid(void)
{
	return 0;
}

long libc_getgid(void)
{
	return 0;
}

long libc_getegid(void)
{
	return 0;
}
