/* A keeper and its pipe: see leash.h. */
#define _GNU_SOURCE /* pipe2 */
#include "host/qemu/leash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Holds nothing of what we hold: a reader of our output must see its end, and a terminal's signals are
 * for us. */
static _Noreturn void keep(int end, int child)
{
	char unused;

	setsid();
	dup2(end, 0);
	dup2(child, 1);
	syscall(SYS_close_range, 2, ~0U, 0);
	while (read(0, &unused, 1) < 0 && errno == EINTR)
		;
	syscall(SYS_pidfd_send_signal, 1, SIGKILL, NULL, 0);
	_exit(0);
}

bool leash_start(struct leash *leash, pid_t child)
{
	int ends[2], handle = (int)syscall(SYS_pidfd_open, child, 0);

	leash->pipe = -1;
	if (handle < 0 || pipe2(ends, O_CLOEXEC) != 0)
		return false;
	leash->keeper = fork();
	if (leash->keeper == 0)
		keep(ends[0], handle);
	close(ends[0]);
	close(handle);
	leash->pipe = ends[1];
	return leash->keeper > 0;
}

void leash_drop(struct leash *leash)
{
	if (leash->pipe < 0)
		return;
	kill(leash->keeper, SIGKILL);
	waitpid(leash->keeper, NULL, 0);
	close(leash->pipe);
}
