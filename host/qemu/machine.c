/*
 * microvm's devices are virtio-mmio, q35's virtio-pci. q35's own firmware, SeaBIOS, takes twice as long as
 * all the rest, for nothing that we need: qboot, which comes with QEMU, too, goes straight to the kernel.
 */
#include "host/qemu/machine.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/report.h"

static const struct machine machines[] = {
	[RUN_MICROVM] = {
		.name = "microvm",
		.option = "microvm,acpi=off,rtc=on,x-option-roms=off",
		.net = "virtio-net-device",
		.serial = "virtio-serial-device",
		.entropy = "virtio-rng-device",
		.more = { "-global", "virtio-mmio.force-legacy=false" },
	},
	[RUN_Q35] = {
		.name = "q35",
		.option = "q35",
		.net = "virtio-net-pci,disable-legacy=on,romfile=",
		.serial = "virtio-serial-pci,disable-legacy=on",
		.entropy = "virtio-rng-pci,disable-legacy=on",
		.more = { "-bios", "qboot.rom" },
	},
};

const struct machine *machine_of(enum run_machine machine)
{
	return &machines[machine];
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool is_on_hardware(void)
{
	return exists("/sys/module/kvm_intel") || exists("/sys/module/kvm_amd");
}

int machine_accel(const struct run_config *config, enum run_accel *accel)
{
	bool is_usable = access("/dev/kvm", R_OK | W_OK) == 0;

	*accel = config->qemu.accel;
	if (config->gdb != NULL && *accel == RUN_ACCEL_KVM)
		return report_error(EXIT_USAGE, "say --accel tcg, or debug it with --as vm",
			"--accel kvm and --gdb don't go together: not every KVM lets its guests be debugged");
	if (config->gdb != NULL)
		*accel = RUN_ACCEL_TCG;
	if (*accel == RUN_ACCEL_ANY)
		*accel = is_usable && is_on_hardware() ? RUN_ACCEL_KVM : RUN_ACCEL_TCG;
	if (*accel == RUN_ACCEL_KVM && !is_usable && !config->qemu.is_printed)
		return report_error(EXIT_HOST_LACKS, "leave it out, or say --accel tcg",
			"--accel kvm: /dev/kvm: %s", strerror(errno));
	return 0;
}

const char *machine_cpu(enum run_accel accel)
{
	if (accel == RUN_ACCEL_TCG)
		return "max";
	/* Software-virtualised KVM lacks registers that "host" has, and offers no more than this. */
	return is_on_hardware() ? "host" : "qemu64,-pni";
}
