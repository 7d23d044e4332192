/* See clock.h. */
#include "host/clock.h"

#include <sys/syscall.h>
#include <unistd.h>

#define BILLION INT64_C(1000000000)

int64_t clock_ns(clockid_t clock)
{
	struct timespec now = { 0 };

	syscall(SYS_clock_gettime, clock, &now);
	return now.tv_sec * BILLION + now.tv_nsec;
}
