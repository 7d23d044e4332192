/*
 * A folder is opened once and its files by openat, so that it stays the same folder.
 */
#include "host/named/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/file.h"
#include "host/report.h"

#define TRIES	 20
#define PAUSE_NS 1000000

bool place_is_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789._-");

	return length > 0 && length < PLACE_NAME_BYTES && name[length] == '\0' && name[0] != '.' &&
	       name[0] != '-';
}

/* False: nobody says where. */
static bool base_path(char path[PATH_MAX])
{
	const char *state = getenv("DIATOM_STATE"), *runtime = getenv("XDG_RUNTIME_DIR");

	if (state != NULL && state[0] != '\0')
		return snprintf(path, PATH_MAX, "%s", state) < PATH_MAX;
	if (runtime != NULL && runtime[0] == '/')
		return snprintf(path, PATH_MAX, "%s/diatom", runtime) < PATH_MAX;
	return geteuid() == 0 && snprintf(path, PATH_MAX, "/run/diatom") < PATH_MAX;
}

static int complain_base(const char *path, const char *what)
{
	return report_error(EXIT_HOST_LACKS, "name a folder of your own:  DIATOM_STATE=FOLDER",
		"the state of runs: %s%s%s", path, path[0] != '\0' ? ": " : "", what);
}

/* Opens the folder of all runs. -1 when there is none; -2 after having said what is wrong. */
static int open_base(bool is_wanted)
{
	char path[PATH_MAX] = "";
	struct stat status;
	int fd;

	if (!base_path(path)) {
		complain_base("", "there is no XDG_RUNTIME_DIR");
		return -2;
	}
	if (is_wanted && mkdir(path, 0700) != 0 && errno != EEXIST) {
		complain_base(path, strerror(errno));
		return -2;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !is_wanted)
		return -1;
	if (fd < 0 || fstat(fd, &status) != 0) {
		complain_base(path, strerror(errno));
		return -2;
	}
	if (status.st_uid == geteuid() && (status.st_mode & 022) == 0)
		return fd;
	close(fd);
	complain_base(path, "others may write there");
	return -2;
}

/* False with errno. */
static bool open_run(struct place *place, int base, const char *name, int flags)
{
	int error;

	snprintf(place->name, sizeof(place->name), "%s", name);
	place->lock = -1;
	place->folder = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place->folder < 0)
		return false;
	place->lock =
		openat(place->folder, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (place->lock >= 0)
		return true;
	error = errno;
	close(place->folder);
	errno = error;
	return false;
}

/* Whoever asks whether a run lives takes its lock for a moment: that is not to count. */
static bool take_lock(int lock)
{
	struct timespec pause = { 0, PAUSE_NS };

	for (int i = 0; i < TRIES; i++) {
		if (flock(lock, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int complain_taken(const char *name)
{
	char remedy[128];

	snprintf(remedy, sizeof(remedy), "end it (diatom stop %s), or take another:  --name NAME",
		name);
	return report_error(EXIT_REFUSED, remedy, "a run named \"%s\" is going on", name);
}

static void remove_files(const struct place *place)
{
	static const char *const files[] = { "exit", "state.json", "log", "log.1", "data",
		"counters", ".exit", ".state.json", ".counters" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(place->folder, files[i], 0);
}

/* The run may be removed between any two steps: then its lock is of no file any more. */
static bool is_there(const struct place *place)
{
	struct stat status;

	return fstat(place->lock, &status) == 0 && status.st_nlink > 0;
}

/* 0: it is ours. ESTALE: it was removed meanwhile. EWOULDBLOCK: another has it. Else an errno. */
static int claim_once(struct place *place, int base, const char *name)
{
	int error = ESTALE;

	if ((mkdirat(base, name, 0700) != 0 && errno != EEXIST) ||
		!open_run(place, base, name, O_CREAT))
		return errno == ENOENT ? ESTALE : errno;
	if (!take_lock(place->lock))
		error = EWOULDBLOCK;
	else if (is_there(place))
		return 0;
	place_close(place);
	return error;
}

int place_claim(struct place *place, const char *name)
{
	int base = open_base(true), error = ESTALE;

	if (base < 0)
		return EXIT_HOST_LACKS;
	for (int i = 0; i < TRIES && error == ESTALE; i++)
		error = claim_once(place, base, name);
	close(base);
	if (error == EWOULDBLOCK)
		return complain_taken(name);
	if (error != 0)
		return complain_base(name, strerror(error));
	remove_files(place);
	return 0;
}

bool place_remove(struct place *place)
{
	int base, error = 0;

	if (!take_lock(place->lock)) {
		errno = EWOULDBLOCK;
		return false;
	}
	if (!is_there(place))
		return true;
	base = open_base(false);
	if (base < 0) {
		errno = ENOENT;
		return false;
	}
	remove_files(place);
	/* The lock at last: who waits for it finds that it is gone. */
	if (unlinkat(place->folder, "lock", 0) != 0 ||
		unlinkat(base, place->name, AT_REMOVEDIR) != 0)
		error = errno;
	close(base);
	errno = error;
	return error == 0;
}

int place_find(struct place *place, const char *name)
{
	int base = place_is_name(name) ? open_base(false) : -1;
	bool is_open = base >= 0 && open_run(place, base, name, 0);

	if (base >= 0)
		close(base);
	if (is_open)
		return 0;
	if (base == -2)
		return EXIT_HOST_LACKS;
	return report_error(EXIT_REFUSED, "those that there are:  diatom ps --all",
		"there is no run named \"%.64s\"", name);
}

void place_close(struct place *place)
{
	close(place->folder);
	close(place->lock);
}

bool place_is_alive(const struct place *place)
{
	if (flock(place->lock, LOCK_SH | LOCK_NB) != 0)
		return true;
	flock(place->lock, LOCK_UN);
	return false;
}

static int is_run(const struct dirent *entry)
{
	return place_is_name(entry->d_name);
}

int place_each(int (*visit)(const char *name, void *argument), void *argument)
{
	int base = open_base(false), count, result = 0;
	char path[PATH_MAX];
	struct dirent **entries;

	if (base < 0)
		return base == -1 ? 0 : EXIT_HOST_LACKS;
	close(base);
	if (!base_path(path))
		return 0;
	count = scandir(path, &entries, is_run, alphasort);
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = visit(entries[i]->d_name, argument);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return result;
}

bool place_read(const struct place *place, const char *file, char *text, size_t room)
{
	int fd = openat(place->folder, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int64_t length;

	text[0] = '\0';
	if (fd < 0)
		return false;
	length = file_read(fd, (uint8_t *)text, room - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	return length >= 0;
}

bool place_write(const struct place *place, const char *file, const char *text, size_t length)
{
	char partial[64];
	int fd;
	bool is_good;

	snprintf(partial, sizeof(partial), ".%s", file);
	fd = openat(place->folder, partial, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		0600);
	if (fd < 0)
		return false;
	is_good = write(fd, text, length) == (ssize_t)length;
	close(fd);
	return is_good && renameat(place->folder, partial, place->folder, file) == 0;
}
