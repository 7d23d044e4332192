/*
 * Who follows a log keeps the file open that he reads: when another takes its place he reads this one
 * to its end first. Two changes between two looks would lose the file between them.
 */
#include "host/named/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/report.h"

#define LOOK_NS 100000000

static int open_read(const struct place *place, const char *file)
{
	return openat(place->folder, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* The new file takes the place of "log" in one step: readers always find one. */
void log_open(struct log *log, const struct place *place)
{
	log->place = place;
	log->used = 0;
	log->fd = openat(place->folder, ".log",
		O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log->fd >= 0)
		renameat(place->folder, ".log", place->folder, "log");
}

void log_write(struct log *log, const char *text, size_t length)
{
	if (log->used + length > LOG_FILE_BYTES) {
		close(log->fd);
		unlinkat(log->place->folder, "log.1", 0);
		linkat(log->place->folder, "log", log->place->folder, "log.1", 0);
		log_open(log, log->place);
	}
	report_write(log->fd, text, length);
	log->used += length;
}

/* From where the descriptor stands to the end. */
static void copy(int from, int to)
{
	char bytes[65536];
	ssize_t n;

	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		report_write(to, bytes, (size_t)n);
}

bool log_copy(const struct place *place, int to)
{
	int older = open_read(place, "log.1"), newer = open_read(place, "log");

	if (older >= 0) {
		copy(older, to);
		close(older);
	}
	if (newer < 0)
		return older >= 0;
	copy(newer, to);
	close(newer);
	return true;
}

/* Has another file taken the place of this one? */
static bool is_replaced(const struct place *place, int fd)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 && fstatat(place->folder, "log", &theirs, 0) == 0 &&
	       ours.st_ino != theirs.st_ino;
}

bool log_follow(const struct place *place)
{
	struct timespec pause = { 0, LOOK_NS };
	int older = open_read(place, "log.1"), fd = open_read(place, "log");
	bool is_alive = true;

	if (older >= 0) {
		copy(older, STDOUT_FILENO);
		close(older);
	}
	if (fd < 0)
		return false;
	while (is_alive && fd >= 0) {
		is_alive = place_is_alive(place);
		copy(fd, STDOUT_FILENO);
		if (is_replaced(place, fd)) {
			copy(fd, STDOUT_FILENO);
			close(fd);
			fd = open_read(place, "log");
			is_alive = true;
		} else if (is_alive) {
			nanosleep(&pause, NULL);
		}
	}
	if (fd >= 0)
		close(fd);
	return true;
}
