/*
 * Two directions, each with a buffer that holds all that TCP may have under way: passt drops what its
 * stream has no room for and misses it only seconds later, so the stream is read even while the body
 * is slow. When a buffer is full, whoever fills it waits.
 *
 *     stream --read--> frames --sendmmsg--> body           a batch of frames a call
 *     stream <--write-- out <--recv-- gate <-- body        all that waits in one write
 */
#define _GNU_SOURCE /* mmsghdr */
#include "host/net/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/net/frames.h"
#include "host/net/gate.h"
#include "host/net/passt.h"
#include "host/privileges.h"
#include "host/report.h"
#include "host/seccomp.h"

#define BATCH	     64
#define OUT_BYTES    (4 * 1024 * 1024)
#define PATIENCE_MS  1000 /* for passt to end by itself, or to take the last frames */
#define SOCKET_BYTES (4 << 20)

static struct {
	const char *name; /* of the network, for messages */
	int stream, body;
	pid_t passt; /* 0: none */

	struct frames frames;
	struct iovec parts[BATCH];
	struct mmsghdr batch[BATCH];
	unsigned first, count; /* of the batch, not yet with the body */

	uint8_t out[OUT_BYTES];
	size_t out_done, out_end;
	bool has_gate;
	struct gate gate;
} relay;

/* Who stops a service stops all of it: when passt ends in good order, the body may be about to. */
static bool body_ends_too(void)
{
	struct pollfd polled = { .fd = relay.body };

	return poll(&polled, 1, PATIENCE_MS / 5) > 0 && (polled.revents & (POLLHUP | POLLERR)) != 0;
}

static _Noreturn void end_with_stream(void)
{
	int status = 0;

	if (relay.passt == 0)
		_exit(report_error(EXIT_HOST_LACKS, NULL,
			"%s: the other side closed its descriptor: the network is gone",
			relay.name));
	waitpid(relay.passt, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && body_ends_too())
		_exit(0);
	_exit(report_error(EXIT_HOST_LACKS, "start the image again",
		"%s: passt ended (%s %d): the network is gone", relay.name,
		WIFSIGNALED(status) ? "signal" : "exit",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
}

static _Noreturn void end_with_nonsense(void)
{
	if (relay.passt != 0)
		kill(relay.passt, SIGKILL);
	_exit(report_error(EXIT_HOST_LACKS,
		"the other side must lead each frame by its length: 4 bytes, big-endian",
		"%s: what comes from the network's other side are no frames", relay.name));
}

/* Writes what waits for the stream. */
static void drain(void)
{
	while (relay.out_done < relay.out_end) {
		ssize_t n = send(relay.stream, relay.out + relay.out_done,
			relay.out_end - relay.out_done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			end_with_stream();
		relay.out_done += (size_t)n;
	}
	relay.out_done = relay.out_end = 0;
}

/* Lets the other side have the body's last frames: what is in a stream when it closes is lost to passt. */
static void flush(void)
{
	struct pollfd polled = { .fd = relay.stream, .events = POLLOUT };
	int waiting = 1;

	while (relay.out_done < relay.out_end && poll(&polled, 1, PATIENCE_MS) > 0)
		drain();
	for (int i = 0; i < PATIENCE_MS && waiting > 0; i++)
		if (ioctl(relay.stream, SIOCOUTQ, &waiting) != 0 || waiting == 0 ||
			poll(NULL, 0, 1) < 0)
			break;
}

/* The body's end closed: ends passt, too. */
static _Noreturn void end_with_body(void)
{
	struct pollfd polled = { .fd = relay.stream };

	flush();
	if (relay.passt != 0) {
		shutdown(relay.stream, SHUT_WR);
		if (poll(&polled, 1, PATIENCE_MS) <= 0)
			kill(relay.passt, SIGKILL);
		waitpid(relay.passt, NULL, 0);
	}
	_exit(0);
}

/* Takes the next frames out of the buffer; false if there is no whole one. */
static bool fill_batch(void)
{
	const uint8_t *frame;
	size_t length;

	relay.first = relay.count = 0;
	while (relay.count < BATCH && (frame = frames_next(&relay.frames, &length)) != NULL) {
		if (relay.has_gate)
			gate_note(&relay.gate, frame, length);
		relay.parts[relay.count] = (struct iovec){ (void *)frame, length };
		relay.batch[relay.count].msg_hdr =
			(struct msghdr){ .msg_iov = &relay.parts[relay.count], .msg_iovlen = 1 };
		relay.count++;
	}
	return relay.count > 0;
}

/* Gives the body what has been read, until it takes no more. */
static void deliver(void)
{
	while (relay.first < relay.count || fill_batch()) {
		/* The C library's function makes a call for each message. */
		long n = syscall(SYS_sendmmsg, relay.body, relay.batch + relay.first,
			relay.count - relay.first, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			relay.first += (unsigned)n;
		else if (errno == EMSGSIZE)
			relay.first++; /* the host's sockets are that small: dropped */
		else
			return; /* it is slow, or gone: then poll will say so */
	}
	if (relay.frames.is_broken)
		end_with_nonsense();
}

static bool is_body_slow(void)
{
	return relay.first < relay.count;
}

static void take_from_stream(void)
{
	size_t room;
	uint8_t *at = frames_room(&relay.frames, is_body_slow(), &room);
	ssize_t n = recv(relay.stream, at, room, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		end_with_stream();
	if (n > 0)
		frames_add(&relay.frames, (size_t)n);
	if (!is_body_slow())
		deliver();
}

/* Is there room for the body's longest frame? */
static bool has_out_room(void)
{
	return sizeof(relay.out) - relay.out_end > FRAMES_LEAD + FRAMES_LENGTH_MAX;
}

/* Collects the body's frames; those that are none, or that the gate refuses, are dropped. */
static void take_from_body(void)
{
	while (has_out_room()) {
		uint8_t *lead = relay.out + relay.out_end, *frame = lead + FRAMES_LEAD;
		ssize_t n = recv(relay.body, frame, FRAMES_LENGTH_MAX + 1, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0)
			end_with_body();
		if (n < FRAMES_LENGTH_MIN || n > FRAMES_LENGTH_MAX ||
			(relay.has_gate && !gate_lets(&relay.gate, frame, (size_t)n)))
			continue;
		frames_put_lead(lead, (size_t)n);
		relay.out_end += FRAMES_LEAD + (size_t)n;
	}
	drain();
}

static _Noreturn void pass_frames(void)
{
	for (;;) {
		bool reads_stream = !is_body_slow() || relay.frames.end < FRAMES_BYTES;
		bool reads_body = has_out_room(), is_waiting = relay.out_done < relay.out_end;
		struct pollfd polled[] = {
			{ .fd = relay.stream,
				.events = (short)((reads_stream ? POLLIN : 0) |
						  (is_waiting ? POLLOUT : 0)) },
			{ .fd = relay.body,
				.events = (short)((reads_body ? POLLIN : 0) |
						  (is_body_slow() ? POLLOUT : 0)) },
		};

		if (poll(polled, 2, -1) < 0)
			continue;
		if ((polled[0].revents & (POLLHUP | POLLERR)) != 0 && !reads_stream)
			end_with_stream();
		if ((polled[1].revents & (POLLHUP | POLLERR)) != 0 && !reads_body)
			end_with_body();
		if ((polled[0].revents & ~POLLOUT) != 0)
			take_from_stream();
		if ((polled[1].revents & POLLOUT) != 0)
			deliver();
		if ((polled[1].revents & ~POLLOUT) != 0 && reads_body)
			take_from_body();
		if ((polled[0].revents & POLLOUT) != 0)
			drain();
	}
}

static int set_filter(void)
{
	static const unsigned allowed[] = { SYS_recvfrom, SYS_sendto, SYS_sendmmsg, SYS_poll,
		SYS_write, SYS_shutdown, SYS_wait4, SYS_exit_group, SYS_restart_syscall };
	struct seccomp_filter filter;

	seccomp_begin(&filter);
	seccomp_allow_list(&filter, allowed, sizeof(allowed) / sizeof(allowed[0]));
	if (relay.passt != 0)
		seccomp_allow_arguments(&filter, SYS_kill, 0, (unsigned)relay.passt, 1, SIGKILL);
	return seccomp_install(&filter, SECCOMP_RET_KILL_PROCESS);
}

/* From here on this process can do nothing but pass frames. */
static void enter_jail(void)
{
	int kept[] = { relay.stream, relay.body };
	const char *what = "closing descriptors";
	int result = privileges_close_others(kept, 2);

	privileges_hide(false);
	if (result == 0)
		result = privileges_drop(false, &what);
	if (result == 0) {
		what = "filtering system calls";
		result = set_filter();
	}
	if (result != 0)
		_exit(report_error(
			EXIT_HOST_LACKS, NULL, "%s: %s: %s", relay.name, what, strerror(-result)));
}

static void leave_session(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	/* The run ends by its own rules, and the relay with it. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static _Noreturn void be_relay(const struct run_net *net, const struct relay_passt *passt)
{
	leave_session();
	relay.name = net->name;
	if (passt != NULL) {
		int code = passt_start(net, passt, &relay.stream, &relay.passt);

		if (code != 0)
			_exit(code);
		relay.has_gate = true;
		memcpy(relay.gate.gateway, passt->gateway, sizeof(relay.gate.gateway));
		memcpy(relay.gate.gateway6, passt->gateway6, sizeof(relay.gate.gateway6));
	}
	enter_jail();
	send(relay.body, "", 1, MSG_NOSIGNAL); /* ready: too short for a frame */
	pass_frames();
}

static int wait_until_ready(struct run_net *net, pid_t child)
{
	int status = 0;
	char byte;

	if (recv(net->fd, &byte, 1, 0) == 1) {
		fcntl(net->fd, F_SETFL, O_NONBLOCK);
		return 0;
	}
	close(net->fd);
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return WEXITSTATUS(status); /* it has said why */
	return report_error(EXIT_HOST_LACKS, NULL, "%s: the network's process ended at once: %d",
		net->name, status);
}

static int complain(const struct run_net *net, const char *what)
{
	return report_error(EXIT_HOST_LACKS, NULL, "%s: no %s for the network: %s", net->name, what,
		strerror(errno));
}

void relay_widen(const int ends[2])
{
	int bytes = SOCKET_BYTES;

	for (int i = 0; i < 2; i++)
		if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
			setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int relay_start(struct run_net *net, int stream, const struct relay_passt *passt)
{
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return complain(net, "socket");
	relay_widen(ends);
	child = fork();
	if (child < 0) {
		close(ends[0]);
		close(ends[1]);
		return complain(net, "process");
	}
	if (child == 0) {
		close(ends[0]);
		relay.body = ends[1];
		relay.stream = stream;
		be_relay(net, passt);
	}
	close(ends[1]);
	if (stream >= 0)
		close(stream);
	net->fd = ends[0];
	return wait_until_ready(net, child);
}
