/*
 * How a guest starts, as a list of steps, and the loop that runs it.
 *
 *     layout     where everything lies; random places
 *     memory     one mapping; what nobody touches costs nothing
 *     image      copied and relocated
 *     boot       boot info, strings, blobs
 *     system     descriptor tables, stubs, call page
 *     tables     page tables, from what is there now; never changed again
 *     machine    VM, memory slot, vcpu
 *     devices
 *     signals
 *     jail
 *     loop
 */
#include "host/monitor/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "abi/log.h"
#include "host/clock.h"
#include "host/crash/core.h"
#include "host/gdb/link.h"
#include "host/monitor/calls.h"
#include "host/monitor/crash.h"
#include "host/monitor/debugger.h"
#include "host/monitor/guest.h"
#include "host/monitor/jail.h"
#include "host/monitor/signals.h"
#include "host/monitor/sleep.h"
#include "host/monitor/watch.h"
#include "host/monitor/world.h"
#include "host/named/start.h"

static int fail(const struct run_config *config, const char *what, int error)
{
	const char *remedy = "";

	if (error == -EACCES || error == -EPERM)
		remedy =
			"\n  run it as a user who may open /dev/kvm (group kvm), or without a VM: --as process";
	else if (error == -ENOENT || error == -ENODEV || error == -ENXIO)
		remedy = "\n  this machine has no usable KVM; run it without: --as process";
	else if (error == -EBUSY)
		remedy =
			"\n  another hypervisor holds the CPU's virtualization; run it without: --as process";
	dprintf(STDERR_FILENO, "diatom: %s: %s failed: %s%s\n", config->name, what,
		strerror(-error), remedy);
	return error == -ENOMEM ? EXIT_OUT_OF_MEMORY : EXIT_HOST_LACKS;
}

/* Makes the devices of the run; the guest's list is in the order of their registers. */
static void make_devices(
	struct guest *guest, const struct run_config *config, const struct image *image)
{
	static struct net_device nets[BOOT_DEVICES_MAX];
	static struct console_device console;
	static struct entropy_device entropy;

	for (unsigned i = 0; i < config->net_count; i++) {
		const struct run_net *from = &config->nets[i];
		struct net_settings settings = { .name = from->name,
			.tap = from->fd,
			.lead = run_net_lead(from),
			.mtu = from->mtu,
			.pcap = guest->pcap };

		memcpy(settings.mac, from->mac, sizeof(settings.mac));
		settings.offloads =
			((from->flags & BOOT_NET_CHECKSUM) != 0 ? NET_CHECKSUM : 0) |
			((from->flags & BOOT_NET_SEGMENT_TCP) != 0 ? NET_SEGMENT_TCP : 0) |
			((from->flags & BOOT_NET_SEGMENT_UDP) != 0 ? NET_SEGMENT_UDP : 0);
		net_init(&nets[i], &guest->memory, &settings);
		guest->devices[guest->device_count++] = &nets[i].device;
	}
	if (image->console.name[0] != 0) {
		console_init(
			&console, &guest->memory, image->console.name, STDIN_FILENO, STDOUT_FILENO);
		guest->devices[guest->device_count++] = &console.device;
	}
	if (image->entropy.name[0] != 0) {
		entropy_init(&entropy, &guest->memory, image->entropy.name);
		guest->devices[guest->device_count++] = &entropy.device;
	}
}

static void start_pcap(struct guest *guest, const struct run_config *config)
{
	static struct pcap pcap;

	if (config->pcap_fd < 0)
		return;
	pcap_begin(&pcap, config->pcap_fd);
	guest->pcap = &pcap;
}

static int enter_jail(const struct guest *guest, const struct run_config *config, const char **what)
{
	struct jail jail = { .vcpu = guest->vcpu.fd,
		.gdb = config->gdb != NULL ? config->gdb->fd : -1,
		.has_input = guest->image->console.name[0] != 0,
		.is_dumpable = config->is_dumpable };

	jail_keep(&jail, guest->vcpu.fd);
	jail_keep(&jail, config->pcap_fd);
	jail_keep(&jail, jail.gdb);
	jail_keep(&jail, config->debug != NULL ? config->debug->fd : -1);
	jail_keep(&jail, config->core != NULL ? config->core->fd : -1);
	for (unsigned i = 0; i < config->net_count; i++)
		jail_keep(&jail, config->nets[i].fd);
	if (config->named != NULL) {
		jail_keep(&jail, config->named->place.lock);
		jail_keep(&jail, config->named->ready);
	}
	return jail_enter(&jail, what);
}

static int64_t time_left(const struct run_config *config)
{
	int64_t left;

	if (config->timeout_ns == 0)
		return 0;
	left = config->started_ns + config->timeout_ns - clock_ns(CLOCK_MONOTONIC);
	return left > 1000 ? left : 1000;
}

static struct device *device_of(struct guest *guest, uint64_t physical)
{
	uint64_t offset = physical - guest->layout.registers.physical;

	return offset / PAGE_BYTES < guest->device_count ? guest->devices[offset / PAGE_BYTES]
							 : NULL;
}

/* Register writes that KVM collected since the last exit, in order. */
static void take_collected_writes(struct guest *guest)
{
	struct kvm_coalesced_mmio_ring *ring = guest->vcpu.writes;
	unsigned room = (PAGE_BYTES - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);

	while (ring != NULL && ring->first != ring->last) {
		const struct kvm_coalesced_mmio *write = &ring->coalesced_mmio[ring->first];
		struct device *device = device_of(guest, write->phys_addr);
		uint64_t value = 0;

		memcpy(&value, write->data, write->len <= 8 ? write->len : 0);
		if (device != NULL)
			mmio_write(device, write->phys_addr % PAGE_BYTES, write->len, value);
		ring->first = (ring->first + 1) % room;
	}
}

static void act_on_mmio(struct guest *guest)
{
	struct kvm_run *run = guest->vcpu.run;
	struct device *device = device_of(guest, run->mmio.phys_addr);
	uint64_t offset = run->mmio.phys_addr % PAGE_BYTES, value = 0;

	if (device == NULL) {
		crash_call(guest, "access beyond memory and devices");
		return;
	}
	if (!run->mmio.is_write) {
		value = mmio_read(device, offset, run->mmio.len);
		memcpy(run->mmio.data, &value, sizeof(value));
		return;
	}
	memcpy(&value, run->mmio.data, run->mmio.len <= 8 ? run->mmio.len : 0);
	/* The exit is paid for: serve all of them. */
	if (mmio_write(device, offset, run->mmio.len, value))
		sleep_serve(guest);
}

static void act_on_port(struct guest *guest)
{
	const struct kvm_run *run = guest->vcpu.run;

	if (run->io.direction == KVM_EXIT_IO_OUT && run->io.port == CALL_FAULT_PORT) {
		if (!debugger_exception(guest))
			crash_exception(guest);
	} else if (run->io.direction == KVM_EXIT_IO_OUT && run->io.port == CALL_PORT &&
		   run->io.size == 4 && run->io.count == 1)
		calls_act(guest);
	else
		crash_call(guest, "port access other than a platform call");
}

static void act_on_failure(struct guest *guest)
{
	const struct kvm_run *run = guest->vcpu.run;

	if (run->exit_reason == KVM_EXIT_SHUTDOWN) {
		crash_call(guest, "triple fault");
	} else if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
		   run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION) {
		crash_call(guest, "instruction that the hypervisor can't emulate");
	} else {
		dprintf(STDERR_FILENO,
			"diatom: %s: KVM stopped the virtual CPU: exit reason %u, detail %#llx\n",
			guest->name, run->exit_reason,
			(unsigned long long)run->hw.hardware_exit_reason);
		guest_end(guest, EXIT_HOST_LACKS);
	}
}

static void act_on_exit(struct guest *guest)
{
	switch (guest->vcpu.run->exit_reason) {
	case KVM_EXIT_IO:
		act_on_port(guest);
		break;
	case KVM_EXIT_MMIO:
		act_on_mmio(guest);
		break;
	case KVM_EXIT_INTR:
		break;
	default:
		act_on_failure(guest);
	}
}

static int run_loop(struct guest *guest)
{
	while (!guest->is_ended && debugger_turn(guest)) {
		int64_t started;
		int result;

		watch_place = WATCH_GUEST;
		result = vcpu_run(&guest->vcpu);
		watch_place = WATCH_MONITOR;
		started = watch_begin(guest);
		guest->exits++;
		if (result == 0) {
			take_collected_writes(guest);
			act_on_exit(guest);
			debugger_exited(guest);
		} else if (result != -EINTR && result != -EAGAIN) {
			dprintf(STDERR_FILENO, "diatom: %s: running the virtual CPU failed: %s\n",
				guest->name, strerror(-result));
			guest_end(guest, EXIT_HOST_LACKS);
		}
		watch_end(guest, TRACE_HOST_EXIT, started, guest->vcpu.run->exit_reason);
		signals_take(guest);
	}
	if (guest->pcap != NULL)
		pcap_flush(guest->pcap);
	debugger_end(guest);
	return guest->exit_code;
}

/* What the run cost, for benchmarks and the curious: --log debug. */
static void tell_exits(const struct guest *guest, const struct run_config *config)
{
	if (config->log_level >= LOG_DEBUG && !config->is_quiet)
		dprintf(STDERR_FILENO, "%s: %llu exits, %llu sleeps\n", guest->name,
			(unsigned long long)guest->exits, (unsigned long long)guest->sleeps);
}

int monitor_run(const struct run_config *config, struct image *image)
{
	static struct guest guest;
	const char *what = "";
	int result;

	guest.name = config->name;
	guest.image = image;
	guest.debug = config->debug;
	guest.core = config->core;
	guest.has_helper = config->has_helper;
	guest.spin_ns = config->spin_ns > 0 ? config->spin_ns : 0;
	start_pcap(&guest, config);
	make_devices(&guest, config, image);
	result = world_make(&guest, config, image);
	if (result != 0)
		return result;
	result = vcpu_open(&guest.vcpu, &guest.layout, guest.host, guest.device_count, &what);
	if (result != 0)
		return fail(config, what, result);
	world_set_clock(&guest);
	vcpu_enter_at(&guest.vcpu, &guest.layout, guest.layout.body.image.virtual + image->entry);
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	if (config->gdb != NULL)
		result = debugger_start(&guest, config);
	if (result != 0)
		return result;
	result = signals_start(&guest, time_left(config));
	if (result != 0)
		return fail(config, "handling signals", result);
	if (config->gdb != NULL)
		result = signals_watch(config->gdb->fd);
	if (result != 0)
		return fail(config, "watching gdb's socket", result);
	result = watch_start(&guest, config);
	if (result != 0)
		return fail(config, "watching it", result);
	result = enter_jail(&guest, config, &what);
	if (result != 0)
		return fail(config, what, result);
	run_announce(config, "VM");
	result = run_loop(&guest);
	if (signals_is_late())
		run_announce_timeout(config);
	if (signals_orphaned_by() != 0)
		run_announce_orphan(config, signals_orphaned_by());
	tell_exits(&guest, config);
	return result;
}
