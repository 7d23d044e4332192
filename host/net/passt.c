/*
 * The announcement is an ARP request for the gateway (RFC 826) in the body's name. passt learns the
 * body's Ethernet address from it, and its reply, which the body will get and may well use, shows that
 * passt runs and has bound its ports.
 */
#define _GNU_SOURCE
#include "host/net/passt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/net/frames.h"
#include "host/report.h"

#define START_MS   5000
#define EXIT_NONE  127 /* of the child, when there is no passt */
#define WORD_BYTES 512

#define ARP_BYTES  42

static _Noreturn void become_passt(const struct relay_passt *passt, int stream, int words)
{
	for (int number = SIGHUP; number <= SIGTERM; number++)
		signal(number, SIG_DFL);
	dup2(words, STDOUT_FILENO);
	dup2(words, STDERR_FILENO);
	dup2(stream, RELAY_PASST_FD);
	if (stream == RELAY_PASST_FD)
		fcntl(stream, F_SETFD, 0);
	syscall(SYS_close_range, RELAY_PASST_FD + 1, ~0U, 0);
	execvp(passt->arguments[0], passt->arguments);
	_exit(EXIT_NONE);
}

static void put_request(uint8_t *frame, const struct run_net *net, const struct relay_passt *passt)
{
	static const uint8_t start[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1 };

	memset(frame, 0, ARP_BYTES);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, net->mac, 6);
	memcpy(frame + 12, start, sizeof(start));
	memcpy(frame + 22, net->mac, 6);
	memcpy(frame + 28, passt->address, 4);
	memcpy(frame + 38, passt->gateway, 4);
}

static bool announce(const struct run_net *net, const struct relay_passt *passt, int stream)
{
	uint8_t frame[FRAMES_LEAD + ARP_BYTES], byte;
	struct pollfd polled = { .fd = stream, .events = POLLIN };

	frames_put_lead(frame, ARP_BYTES);
	put_request(frame + FRAMES_LEAD, net, passt);
	return send(stream, frame, sizeof(frame), MSG_NOSIGNAL) == sizeof(frame) &&
	       poll(&polled, 1, START_MS) == 1 &&
	       recv(stream, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* Its last line that means something; what it says of a missing system logger doesn't. */
static const char *last_words(int words, char text[WORD_BYTES])
{
	ssize_t length = pread(words, text, WORD_BYTES - 1, 0);
	const char *best = "it gave no reason";

	text[length > 0 ? length : 0] = '\0';
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
		if (strstr(line, "syslog") == NULL && strstr(line, "run as root") == NULL)
			best = line;
	return best;
}

static int complain(const struct run_net *net, int status, int words)
{
	char text[WORD_BYTES];

	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NONE)
		return report_error(EXIT_HOST_LACKS,
			"install it (apt install passt), or give a tap:  --net tap:TAP",
			"%s: there is no passt, which user networking needs", net->name);
	return report_error(EXIT_HOST_LACKS, NULL, "%s: passt did not start: %s", net->name,
		last_words(words, text));
}

static bool make_stream(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	relay_widen(ends);
	return true;
}

int passt_start(
	const struct run_net *net, const struct relay_passt *passt, int *stream, pid_t *child)
{
	int ends[2], words = memfd_create("passt", MFD_CLOEXEC), status = 0;

	if (words < 0 || !make_stream(ends) || (*child = fork()) < 0)
		return report_error(EXIT_HOST_LACKS, NULL, "%s: passt can't be started: %s",
			net->name, strerror(errno));
	if (*child == 0)
		become_passt(passt, ends[1], words);
	close(ends[1]);
	*stream = ends[0];
	if (announce(net, passt, *stream))
		return 0;
	kill(*child, SIGKILL);
	waitpid(*child, &status, 0);
	return complain(net, status, words);
}
