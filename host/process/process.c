/*
 * How this process becomes the body, as a list of steps:
 *
 *     space      map and load; boot info
 *     devices    descriptors; the capture's header; the clock
 *     tracer     with --gdb: a child goes on, this process traces it
 *     traps      signal handlers, which are all that stays of the loader
 *     jail       descriptors closed, environment wiped, privileges dropped
 *     seal       boot info read-only
 *     filter     from here on only the listed system calls, from one instruction
 *     enter      the body's first instruction
 */
#include "host/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/crash/core.h"
#include "host/image/image.h"
#include "host/named/start.h"
#include "host/privileges.h"
#include "host/process/enter.h"
#include "host/process/space.h"
#include "host/process/tracer.h"
#include "host/process/traps.h"
#include "host/process/vdso.h"
#include "host/report.h"
#include "host/seccomp.h"

#define AUXV_FSGSBASE 2	  /* of AT_HWCAP2: user space may set FS (Linux's asm/hwcap2.h) */
#define GUARD_INSTALL 102 /* madvise, Linux 6.13 */
#define CAPTURE_BYTES 24

static int fail(const struct run_config *config, const char *what, int error)
{
	return report_error(
		EXIT_HOST_LACKS, NULL, "%s: %s: %s", config->name, what, strerror(-error));
}

static void add_nets(struct boot_info *boot, const struct run_config *config)
{
	for (unsigned i = 0; i < config->net_count; i++) {
		const struct run_net *net = &config->nets[i];
		struct boot_device *d = &boot->devices[boot->device_count];

		boot->ip6[boot->device_count++] = net->ip6;
		d->kind = MANIFEST_NET;
		d->transport = BOOT_FD;
		memcpy(d->name, net->name, sizeof(d->name));
		d->fd = net->fd;
		d->flags = net->flags;
		memcpy(d->mac, net->mac, sizeof(d->mac));
		d->mtu = net->mtu;
		memcpy(d->ip, net->ip, sizeof(d->ip));
		memcpy(d->gateway, net->gateway, sizeof(d->gateway));
		if (config->pcap_fd >= 0) {
			d->flags |= BOOT_NET_CAPTURE;
			d->address = (uint64_t)config->pcap_fd;
		}
	}
}

/*
 * Standard input, opened anew where that works: making it non-blocking would otherwise do so for the
 * shell that we were started from. -1 if there is none.
 */
static int open_input(void)
{
	int fd = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void add_console(struct boot_info *boot, const struct image *image, int fd)
{
	struct boot_device *d = &boot->devices[boot->device_count++];

	d->kind = MANIFEST_CONSOLE;
	d->transport = BOOT_FD;
	memcpy(d->name, image->console.name, sizeof(d->name));
	d->fd = fd;
}

/* The file header of a capture: see draft-ietf-opsawg-pcap, section 4. */
static void begin_capture(int fd)
{
	static const uint32_t header[CAPTURE_BYTES / 4] = {
		0xa1b23c4d,  /* nanosecond stamps */
		2 | 4 << 16, /* version 2.4 */
		0, 0,	     /* reserved */
		0x40000,     /* longest frame */
		1,	     /* Ethernet */
	};

	report_write(fd, (const char *)header, sizeof(header));
}

static int set_clock(const struct run_config *config, struct boot_clock *clock)
{
	clock->kind = BOOT_CLOCK_CALL;
	clock->call = vdso_function("__vdso_clock_gettime");
	clock->mono_base = clock_ns(CLOCK_MONOTONIC);
	clock->wall_ns = clock_ns(CLOCK_REALTIME);
	if (clock->call == 0)
		return report_error(EXIT_HOST_LACKS, "start Linux without vdso=0",
			"%s: this kernel gives programs no vDSO", config->name);
	return 0;
}

static int close_descriptors(const struct run_config *config, int input)
{
	int kept[BOOT_DEVICES_MAX + 6];
	unsigned count = 0;

	for (unsigned i = 0; i < config->net_count; i++)
		kept[count++] = config->nets[i].fd;
	if (config->pcap_fd >= 0)
		kept[count++] = config->pcap_fd;
	if (input >= 0)
		kept[count++] = input;
	if (config->debug != NULL && config->debug->fd >= 0)
		kept[count++] = config->debug->fd;
	if (config->core != NULL)
		kept[count++] = config->core->fd;
	if (config->named != NULL) {
		kept[count++] = config->named->place.lock;
		kept[count++] = config->named->ready;
	}
	return privileges_close_others(kept, count);
}

static bool has_guards(const struct space *space)
{
	/* Asked with a length of zero: no effect but the answer. */
	return madvise(space->page, 0, GUARD_INSTALL) == 0;
}

/*
 * Only granted descriptors are open, so calls on descriptors need no further look. What the loader's
 * handlers need comes from elsewhere than the stub: reports, their return, exit, and the clock where
 * the vDSO asks the kernel.
 */
static int install_filter(
	const struct space *space, const struct run_config *config, const struct image *image)
{
	static const unsigned elsewhere[] = { SYS_clock_gettime, SYS_rt_sigreturn, SYS_exit };
	static const unsigned stub[] = { SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_ppoll,
		SYS_restart_syscall };
	struct seccomp_filter filter;

	seccomp_begin_otherwise(&filter, SECCOMP_RET_TRAP);
	seccomp_caller_begin(&filter, space->stub + SPACE_STUB_RETURN);
	seccomp_allow_list(&filter, stub, sizeof(stub) / sizeof(stub[0]));
	/* The body asks for a guard first in any case; a kernel without them says EINVAL. */
	if (image->has_stacks)
		seccomp_allow_argument(&filter, SYS_madvise, 2, GUARD_INSTALL);
	if (image->has_stacks && !has_guards(space))
		seccomp_allow_argument(&filter, SYS_mprotect, 2, PROT_NONE);
	if (config->is_quiet)
		seccomp_allow(&filter, SYS_exit_group);
	seccomp_caller_end(&filter, SECCOMP_RET_TRAP);
	seccomp_allow_list(&filter, elsewhere, sizeof(elsewhere) / sizeof(elsewhere[0]));
	seccomp_allow_argument(&filter, SYS_write, 0, STDERR_FILENO);
	if (config->core != NULL)
		seccomp_allow_argument(&filter, SYS_write, 0, (unsigned)config->core->fd);
	if (config->debug != NULL && config->debug->fd >= 0)
		seccomp_allow_argument(&filter, SYS_pread64, 0, (unsigned)config->debug->fd);
	return seccomp_install(&filter, SECCOMP_RET_TRAP);
}

static int add_devices(
	struct space *space, const struct run_config *config, const struct image *image, int *input)
{
	*input = image->console.name[0] != '\0' ? open_input() : -1;
	add_nets(space->boot, config);
	if (*input >= 0)
		add_console(space->boot, image, *input);
	if (config->pcap_fd >= 0)
		begin_capture(config->pcap_fd);
	return set_clock(config, &space->boot->clock);
}

static int enter_jail(const struct space *space, const struct run_config *config, int input)
{
	const char *what = "closing descriptors";
	int result = close_descriptors(config, input);

	/* Sleeps end when they should, not up to 50 us later. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	/* Its console has a descriptor of its own. */
	privileges_hide(false);
	if (result == 0)
		result = privileges_drop(config->is_dumpable || config->gdb != NULL, &what);
	if (result == 0) {
		what = "sealing boot information";
		result = space_seal(space, config);
	}
	return result == 0 ? 0 : fail(config, what, result);
}

int process_run(const struct run_config *config, struct image *image)
{
	static struct space space;
	int input, code, result;

	if ((getauxval(AT_HWCAP2) & AUXV_FSGSBASE) == 0)
		return report_error(EXIT_HOST_LACKS, "use Linux 5.9 or newer, or a VM:  --as vm",
			"%s: programs may not set the FS base on this machine", config->name);
	code = space_make(&space, config, image);
	if (code == 0)
		code = add_devices(&space, config, image, &input);
	if (code != 0)
		return code;
	image_close(image);
	if (config->gdb != NULL && tracer_split(config, &space, image, &code))
		return code;
	result = traps_start(&space, config, image);
	if (result != 0)
		return fail(config, "signal handlers", result);
	code = enter_jail(&space, config, input);
	if (code != 0)
		return code;
	run_announce(config, "process");
	result = install_filter(&space, config, image);
	if (result != 0)
		return fail(config, "the system call filter", result);
	process_enter(space.boot, space.entry, space.stack_top);
}
