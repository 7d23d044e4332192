/*
 * A descriptor that is opened takes the lowest free number, so going through them in order fills each
 * gap by itself.
 */
#include "host/inherited.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

void inherited_mend(void)
{
	sigset_t none;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", O_RDWR);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Whoever ignores it would leave us without our children's exit codes. */
	signal(SIGCHLD, SIG_DFL);
}
