/*
 * Consoles with input: over virtio in a VM, over a file descriptor in a process. Output goes the way
 * of all output, by the platform call, so that the order of what is printed holds.
 */
#include "diatom/console.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "diatom/log.h"
#include "diatom/memory.h"
#include "diatom/task.h"
#include "drv/console.h"
#include "drv/virtio.h"
#include "plat/plat.h"

/*
 * A descriptor is read only while a fiber waits for input, and then every 20 ms: what nobody reads,
 * and the end of input, would otherwise end each sleep at once.
 */
#define LOOK_EVERY MILLISECONDS(20)

struct fd_console {
	struct console_device device;
	struct task look_again;
	int fd;
	bool has_ended;
};

static enum status fd_take(struct console_device *device, void *out, size_t room, size_t *length)
{
	struct fd_console *console = CONTAINER_OF(device, struct fd_console, device);
	long got;

	if (console->has_ended)
		return CLOSED;
	got = plat_syscall(SYS_read, console->fd, (long)out, (long)room, 0, 0, 0);
	if (got == -EAGAIN || got == -EINTR) {
		task_at(&console->look_again, in_ns(LOOK_EVERY));
		return EMPTY;
	}
	if (got <= 0) {
		console->has_ended = true;
		return got == 0 ? CLOSED : DEVICE_FAILED;
	}
	*length = (size_t)got;
	return OK;
}

static void look_again(struct task *task)
{
	wake_all(&CONTAINER_OF(task, struct fd_console, look_again)->device.readers);
}

static bool fd_has_input(struct console_device *device)
{
	return false; /* the timer wakes the reader */
}

static bool fd_prepare_sleep(struct poller *poller)
{
	return false;
}

static enum status fd_console_open(const struct boot_device *boot, struct console_device **device)
{
	struct fd_console *console = extent_alloc(sizeof(*console));

	if (console == NULL)
		return NO_MEMORY;
	memset(console, 0, sizeof(*console));
	console->fd = boot->fd;
	console->look_again.run = look_again;
	console->device.take = fd_take;
	console->device.has_input = fd_has_input;
	console->device.poller.prepare_sleep = fd_prepare_sleep;
	*device = &console->device;
	return OK;
}

/* Wakes the reader when there is input, or when there will be none any more. */
static bool poll_console(struct poller *poller)
{
	struct console_device *device = CONTAINER_OF(poller, struct console_device, poller);

	if (device->readers.first == NULL || !(device->has_input(device) || finish_is_requested()))
		return false;
	wake_all(&device->readers);
	return true;
}

static enum status open_device(const char *name, struct console_device **device)
{
	const struct boot_device *boot = plat_device(MANIFEST_CONSOLE, name);

	if (boot == NULL)
		return NOT_FOUND;
	if (virtio_is(boot))
		return virtio_console_open(boot, device);
	return boot->transport == BOOT_FD ? fd_console_open(boot, device) : UNSUPPORTED;
}

static enum status console_up(struct console *console)
{
	enum status status;

	if (console->device != NULL)
		return OK;
	status = open_device(console->manifest->name, &console->device);
	if (status != OK) {
		log_error(console->manifest->name, "no console: %s", status_text(status));
		return status;
	}
	console->device->poller.poll = poll_console;
	loop_add_poller(&console->device->poller);
	return OK;
}

enum status console_read(
	struct console *console, void *out, size_t room, size_t *length, instant deadline)
{
	enum status status = console_up(console);

	*length = 0;
	while (status == OK) {
		if (finish_is_requested())
			return CLOSED;
		status = console->device->take(console->device, out, room, length);
		if (status != EMPTY)
			return status;
		status = wait_on(&console->device->readers, deadline);
	}
	return status;
}

enum status console_write(struct console *console, const void *bytes, size_t length)
{
	plat_console_write(bytes, length);
	return OK;
}
